// Replaces undici in the bundled program by the part that src/dify/ uses. All of undici includes fetch, WebSocket,
// caches and mocks, which take 10 MB of memory, and loads the copy that is part of Node.
import Agent from 'undici/lib/dispatcher/agent.js';

export { Agent };
