// Replaces undici's client of HTTP/2 in the bundled program. The bridge speaks HTTP/1.1 to Dify, and node:http2 takes time
// and memory at each start.
module.exports = function connectH2() {
  throw new Error('The bundled program has no HTTP/2.');
};
