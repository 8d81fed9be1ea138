// Runs in mongosh at every start of the container, until it succeeds. Creates the replica set of one member, its root
// user and the user of the services if they are missing.
const { ROOT_PASSWORD, PASSWORD, DATABASE, MEMBER } = process.env;
const admin = db.getSiblingDB("admin");

function signIn() {
  try {
    return admin.auth("root", ROOT_PASSWORD).ok === 1;
  } catch {
    // At the first start there is no user yet, and MongoDB lets a client on localhost create one.
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
const account = (user, pwd, ...roles) => ({ user, pwd, roles });
if (!hadRoot) {
  // Fails if the data is older than the Secret, because its root user then has another password.
  admin.createUser(account("root", ROOT_PASSWORD, "root"));
  admin.auth("root", ROOT_PASSWORD);
}
const store = db.getSiblingDB(DATABASE);
const services = account("telemetry", PASSWORD, "readWrite");
if (store.getUser(services.user) === null) store.createUser(services);
else store.changeUserPassword(services.user, services.pwd);
