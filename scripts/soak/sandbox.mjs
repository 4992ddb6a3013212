// Runs a sandbox with the tools of the soak in a separate process. Sends its address and its secrets over IPC.
import { createSandbox } from '../../dist/sandbox/sandbox.js';
import { mishapsProvider } from '../../dist/sandbox/tools-failing.js';
import { samplesProvider } from '../../dist/sandbox/tools-samples.js';
import { studioProvider } from '../../dist/sandbox/tools-studio.js';
import { timeProvider } from '../../dist/sandbox/tools-time.js';
import { echoFileWorkflow, slowReportWorkflow } from '../../dist/sandbox/tools-workflows.js';

const tools = [
  timeProvider,
  studioProvider,
  mishapsProvider,
  samplesProvider,
  echoFileWorkflow,
  slowReportWorkflow,
];
const { url, credentials } = await createSandbox({ tools });
process.send({ url, credentials });
// The parent process ends it.
process.on('disconnect', () => process.exit());
