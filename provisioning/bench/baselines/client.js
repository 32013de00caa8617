// The box's side: a PouchDB on leveldb that pushes to, or pulls from, the server.
// Arguments: its folder, the server's address, a file of documents. A line in (`push` or `pull`) gives a line out:
// the seconds that one replication of all documents took, between databases of which the target is empty.
const fs = require('fs');
const readline = require('readline');
const PouchDB = require('pouchdb');

const [folder, address, file] = process.argv.slice(2);
const options = { batch_size: 1000, batches_limit: 10 };
const docs = JSON.parse(fs.readFileSync(file, 'utf8'));
fs.mkdirSync(folder, { recursive: true });
const Stored = PouchDB.defaults({ prefix: folder + '/' });
const filled = {};

async function source(name, make) {
  if (!filled[name]) {
    filled[name] = make();
    for (let at = 0; at < docs.length; at += 500) await filled[name].bulkDocs(docs.slice(at, at + 500));
  }
  return filled[name];
}

async function timed(replicate) {
  const began = performance.now();
  const told = await replicate();
  const seconds = (performance.now() - began) / 1000;
  if (told.docs_written !== docs.length) throw new Error('short: ' + told.docs_written);
  return seconds;
}

async function run(what, n) {
  if (what === 'push') {
    const from = await source('push', () => new Stored('from'));
    return timed(() => from.replicate.to(`${address}/to_${n}`, options));
  }
  const hub = await source('pull', () => new Stored(`${address}/ward`));
  const box = new Stored(`to_${n}`);
  const seconds = await timed(() => box.replicate.from(hub, options));
  await box.destroy();
  return seconds;
}

(async () => {
  let n = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) console.log(await run(line, (n += 1)));
  process.exit(0);
})();
