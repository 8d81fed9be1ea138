/** Functions that map each value of an instant vector by itself. */

const signum = (value: number): number => (value < 0 ? -1 : value > 0 ? 1 : value);

export const MATH: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  rad: (value) => value * (Math.PI / 180),
  deg: (value) => value * (180 / Math.PI),
  sgn: signum,
};

const DAY_MS = 86_400_000;

const dayOfYear = (date: Date): number => {
  const newYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - newYear) / DAY_MS) + 1;
};

const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  minute: (date) => date.getUTCMinutes(),
  hour: (date) => date.getUTCHours(),
  day_of_week: (date) => date.getUTCDay(),
  day_of_month: (date) => date.getUTCDate(),
  day_of_year: dayOfYear,
  days_in_month: (date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
};

/** Parts of a date in UTC; the value is a time in seconds. NaN for times that no calendar has. */
export const CALENDAR: Readonly<Record<string, (seconds: number) => number>> = Object.fromEntries(
  Object.entries(PARTS).map(([name, part]) => [name, (seconds: number) => part(new Date(Math.trunc(seconds) * 1000))]),
);
