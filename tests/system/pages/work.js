// The front end of an application: it creates an object and uploads its payload.
const told = {};

async function run() {
  const payload = { media_type: "text/csv", size: 8 };
  const body = JSON.stringify({ kind: "dataset", name: "page.csv", payload });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("http://127.0.0.1:API/v1/objects", { method: "POST", headers, body });
  const created = await answer.json();
  const { url, method, headers: signed } = created.upload;
  delete signed["Content-Length"]; // The browser sets it.
  const put = await fetch(url, { method, headers: signed, body: "a,b\n1,2\n" });
  Object.assign(told, { id: created.id, upload: put.status });
}
