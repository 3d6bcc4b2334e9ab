/**
 * Requests one path of a server over and over, and prints rate and latencies as JSON:
 *
 *   node load.js PORT PATH COUNT CONNECTIONS [HEADER …]
 *
 * It is a process of its own, so that it and the server have a core each. It uses plain sockets, since a
 * client library would take longer than the server; a response ends when it has as many bytes as the first
 * one.
 */
import { connect } from 'node:net';

const [port = '', path = '', total = '', connections = '', ...headers] = process.argv.slice(2);
const request = Buffer.from(
  [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers, '', ''].join('\r\n'),
);
const latencies = new Float64Array(Number(total));
let sent = 0;
let done = 0;

async function client() {
  const socket = connect(Number(port), '127.0.0.1');
  socket.setNoDelay(true);
  let length = 0;
  let received = 0;
  let sentAt = 0;
  const next = () => {
    if (sent >= Number(total)) return socket.end();
    sent += 1;
    sentAt = performance.now();
    return socket.write(request);
  };
  socket.on('data', (chunk) => {
    received += chunk.length;
    length ||= chunk.length;
    if (received < length) return;
    received -= length;
    latencies[done] = performance.now() - sentAt;
    done += 1;
    if (done === 1 && !chunk.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`${chunk}`);
    next();
  });
  next();
  await new Promise((resolve, reject) => socket.on('close', resolve).on('error', reject));
}

const start = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, client));
const seconds = (performance.now() - start) / 1000;
latencies.sort();
console.log(
  JSON.stringify({
    done,
    perSecond: done / seconds,
    p50: latencies[done >> 1],
    p99: latencies[Math.floor(done * 0.99)],
  }),
);
