// What the bundled program has in the place of undici: the parts that src/dify/ uses. The whole of undici brings its
// fetch, WebSocket, caches and mocks along, which come to 10 MB of memory, and loads Node's own copy of itself.
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

// As undici's own entry does it.
Dispatcher.prototype.request = request;

export { Agent };
