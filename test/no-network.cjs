/**
 * Nothing leaves this machine: in tests, and in the programs that they start (`--require`), a connection to any
 * address but loopback fails at once and says so. CommonJS, since `--import` doubles the time that Node takes
 * to start.
 */
const { Socket } = require('node:net');

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;
const connect = Socket.prototype.connect;

/** @this {Socket} @param {any[]} args */
function connectToLoopback(...args) {
  // net.connect() hands over its arguments normalized, as one list.
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const options =
    typeof first === 'object'
      ? first
      : { port: first, host: typeof second === 'string' ? second : undefined };
  const host = options.host ?? 'localhost';
  // An agent of node:http sets the path to null, which net.connect() takes for no path.
  if (!options.path && !LOOPBACK.test(host)) {
    const error = Object.assign(new Error(`network blocked in tests: ${host}`), { code: 'ENETUNREACH' });
    process.nextTick(() => this.destroy(error));
    return this;
  }
  return Reflect.apply(connect, this, args);
}

// vitest runs this file again for each test file that shares its process.
if (connect.name !== connectToLoopback.name) Socket.prototype.connect = connectToLoopback;
