/**
 * Attacks a port of loopback with connections that send thousands of requests at once and never read an
 * answer. Each connection that the server closes is opened again after a pause.
 *
 *   node attacker.js PORT CONNECTIONS REQUESTS PAUSE_MS
 */
import { connect } from 'node:net';

const [port, connections, requests, pauseMs] = process.argv.slice(2).map(Number);
const payload = Buffer.from(`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(requests ?? 0));

let opened = 0;

function attack() {
  const socket = connect(port ?? 0, '127.0.0.1');
  // No listener for data: nothing is read.
  socket.on('error', () => undefined);
  socket.on('connect', () => {
    opened += 1;
    socket.write(payload);
  });
  socket.on('close', () => setTimeout(attack, pauseMs));
}

for (let count = 0; count < (connections ?? 0); count++) attack();
setTimeout(() => console.log('attacking'), 100);
// Sockets that nothing reads do not keep a process running.
setInterval(() => undefined, 1000);
process.on('SIGTERM', () => {
  console.log(opened);
  process.exit(0);
});
