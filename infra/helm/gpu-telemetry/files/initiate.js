// Runs in mongosh at every start of the container, until it succeeds: makes the replica set of one member, its root user
// and the user of the services, where they are missing.
const { ROOT_PASSWORD, PASSWORD, DATABASE, MEMBER } = process.env;
const admin = db.getSiblingDB("admin");

function signIn() {
  try {
    return admin.auth("root", ROOT_PASSWORD).ok === 1;
  } catch {
    // At the first start there is no user yet, and who comes from localhost may make one.
    return false;
  }
}

const hadRoot = signIn();
if (db.hello().setName === undefined) rs.initiate({ _id: "rs0", members: [{ _id: 0, host: MEMBER }] });
const until = Date.now() + 20_000;
while (!db.hello().isWritablePrimary) {
  if (Date.now() > until) throw new Error("The replica set has no primary yet");
  sleep(200);
}
if (!hadRoot) {
  // Fails where there is a root user with another password: the data is older than the Secret.
  admin.createUser({ user: "root", pwd: ROOT_PASSWORD, roles: ["root"] });
  admin.auth("root", ROOT_PASSWORD);
}
const store = db.getSiblingDB(DATABASE);
const account = { pwd: PASSWORD, roles: [{ role: "readWrite", db: DATABASE }] };
if (store.getUser("telemetry") === null) store.createUser({ user: "telemetry", ...account });
else store.updateUser("telemetry", account);
