// The front end of an application with Uppy and the adapter of docs/uploads.md: it sends a file in
// parts and a small one whole. Then it goes on with an upload of which an earlier page has sent a part.
const told = { parts: 0 };

async function run() {
  const api = "http://127.0.0.1:API";
  told.fresh = await upload(api, "film.bin", bytes(20 * 2 ** 20 - 5));
  told.small = await upload(api, "small.bin", bytes(1000));
  told.parts = 0;
  told.resumed = await upload(api, "film.bin", bytes(20 * 2 ** 20 - 5), "OBJECT");
}

function bytes(size) {
  return Uint8Array.from({ length: size }, (_, place) => place % 251);
}

async function upload(api, name, content, objectId) {
  const uppy = new Uppy.Uppy().use(Uppy.AwsS3, wharfAdapter(api));
  uppy.on("s3-multipart:part-uploaded", () => told.parts++);
  const id = uppy.addFile({ name, type: "application/octet-stream", data: new Blob([content]) });
  if (objectId) uppy.setFileState(id, { s3Multipart: { key: objectId, uploadId: objectId } });
  const { successful, failed } = await uppy.upload();
  if (failed.length) throw new Error(failed[0].error);
  return successful[0].uploadURL;
}
