// Pictures that a page of another origin shows. Each entry of ADDRESSES is the source of an <img>.
const told = {};

function show(source) {
  return new Promise((done) => {
    const picture = document.body.appendChild(document.createElement("img"));
    picture.onload = () => done(`shown ${picture.naturalWidth}`);
    picture.onerror = () => done("refused");
    picture.src = source;
  });
}

async function run() {
  for (const [name, source] of Object.entries(ADDRESSES)) told[name] = await show(source);
}
