import { BridgeError } from '../../src/model/errors.ts';

/** What a promise that must fail rejects with. Handles the rejection from the moment it is called. */
export async function errorOf(promise: Promise<unknown>): Promise<BridgeError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof BridgeError) return thrown;
  throw new Error(`expected a BridgeError, got ${String(thrown)}`);
}
