// Replaces undici in the bundled program by the parts that src/dify/ uses. All of undici includes fetch, WebSocket,
// caches and mocks, which take 10 MB of memory, and loads the copy that is part of Node.
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

// As in undici's own entry.
Dispatcher.prototype.request = request;

export { Agent };
