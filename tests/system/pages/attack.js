// The requests that a page tries without asking anybody. OBJECT is a ready object; API and AWS are ports.
const told = {};

async function attempt(name, act) {
  try {
    const answer = await act();
    told[name] = answer && answer.type === "cors" ? `read ${answer.status}` : "sent";
  } catch {
    told[name] = "refused";
  }
}

function post(action, fields, enctype) {
  const frame = document.body.appendChild(document.createElement("iframe"));
  frame.name = `frame${Math.random()}`;
  const form = document.body.appendChild(document.createElement("form"));
  Object.assign(form, { action, method: "POST", target: frame.name, enctype });
  for (const [name, value] of Object.entries(fields)) {
    Object.assign(form.appendChild(document.createElement("input")), { name, value, type: "hidden" });
  }
  return new Promise((done) => {
    frame.onload = done;
    setTimeout(done, 3000);
    form.submit();
  });
}

async function run() {
  const body = JSON.stringify({ kind: "record", name: "evil" });
  const zip = { ZipFile: "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" };
  const role = "arn:aws:iam::000000000000:role/evil";
  const evil = { FunctionName: "evil", Runtime: "python3.11", Role: role, Handler: "i.handler", Code: zip };
  const plain = { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" } };
  const json = { method: "POST", headers: { "Content-Type": "application/json" } };
  const queue = { Action: "CreateQueue", QueueName: "evil", Version: "2012-11-05" };
  for (const host of ["127.0.0.1", "localhost", "rebound.example"]) {
    const api = `http://${host}:API/v1/objects`;
    const aws = `http://${host}:AWS`;
    const functions = `${aws}/2015-03-31/functions`;
    const attempts = {
      "create a function": () => fetch(functions, { ...plain, body: JSON.stringify(evil) }),
      "forget everything": () => fetch(`${aws}/_ministack/reset`, { ...plain, body: "" }),
      "list the buckets": () => fetch(`${aws}/`),
      "create a queue": () => post(`${aws}/`, queue, "application/x-www-form-urlencoded"),
      "create by plain text": () => fetch(api, { ...plain, body }),
      "create by JSON": () => fetch(api, { ...json, body }),
      "create by a form": () => post(api, { [`${body.slice(0, -1)},"a":"`]: '"}' }, "text/plain"),
      "create by a beacon": () => navigator.sendBeacon(api, body),
      delete: () => fetch(`${api}/OBJECT`, { method: "DELETE" }),
      list: () => fetch(api),
      reprocess: () => fetch(`${api}/OBJECT/reprocess`, { ...plain, body: "" }),
    };
    for (const [name, act] of Object.entries(attempts)) await attempt(`${host}: ${name}`, act);
  }
}
