/** Remembers one value per object, for as long as the object lives. */

/** Calls `create` at most once per key. */
export function oncePerKey<Key extends WeakKey, Value extends object | string>(
  create: (key: Key) => Value,
): (key: Key) => Value {
  const values = new WeakMap<Key, Value>();
  return (key) => {
    let value = values.get(key);
    if (value === undefined) {
      value = create(key);
      values.set(key, value);
    }
    return value;
  };
}
