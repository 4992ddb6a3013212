// The embedded Dify with its tools for files, in a process of its own. Tells its address and its secrets over IPC.
import { createSandbox } from '../../dist/sandbox/sandbox.js';

const { url, credentials } = await createSandbox({ tools: 'files' });
process.send({ url, credentials });
// Whoever started it ends it.
process.on('disconnect', () => process.exit());
