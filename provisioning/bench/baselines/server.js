// The other side: express-pouchdb on leveldb, loopback. Arguments: its folder. Prints its port, ends with its input.
const fs = require('fs');
const express = require('express');
const expressPouchDB = require('express-pouchdb');
const PouchDB = require('pouchdb');

const folder = process.argv[2];
fs.mkdirSync(folder, { recursive: true });
const Stored = PouchDB.defaults({ prefix: folder + '/' });
const app = express();
app.use('/', expressPouchDB(Stored, {
  mode: 'minimumForPouchDB', logPath: folder + '/log.txt', configPath: folder + '/config.json',
}));
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
