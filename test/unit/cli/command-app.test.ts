import { expect, it } from 'vitest';
import type { App } from '../../../src/app/app.ts';
import { presentRegistry } from '../../../src/cli/command-app.ts';

it('does not wait for Dify if the interrupt came before', async () => {
  const app = {
    manifests: () => [{}],
    refresh: () => new Promise(() => undefined),
    registry: { ready: (signal: AbortSignal) => Promise.reject(signal.reason as Error) },
  } as unknown as App;
  await expect(presentRegistry(app, AbortSignal.abort(new Error('interrupted')))).rejects.toThrow(
    'interrupted',
  );
});
