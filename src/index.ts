/** The library entry: creates an app from a configuration. */
import type { Sandbox, SandboxOptions } from './sandbox/sandbox.ts';

export {
  type App,
  type AppOptions,
  createApp,
  type ManifestStatus,
  type ReloadOutcome,
  type StdioServing,
  type View,
} from './app/app.ts';
export { type ConfigSources, type LoadedConfig, loadConfig } from './config/load.ts';
export type { Config } from './config/schema.ts';
export type { CallContext, CallObserver, CallOutcome, CallTool, Waiting } from './model/call.ts';
export type { ContentBlock, EmbeddedResource, ToolResult } from './model/content.ts';
export { BridgeError, ERROR_RULES, type ErrorCode } from './model/errors.ts';
export type { CallState, CallStatus } from './model/task.ts';
export { type Logger, silentLogger } from './model/logger.ts';
export type { PublishedTool, Registry, RegistrySource, WithheldTool } from './model/registry.ts';
export { createLogger } from './observability/logger.ts';
export type { Sandbox, SandboxOptions } from './sandbox/sandbox.ts';
export { VERSION } from './version.ts';

/** Starts a sandbox with new random secrets. Rejects with `port_unavailable`. */
export async function createSandbox(options?: SandboxOptions): Promise<Sandbox> {
  // Loaded on demand, because it includes a web framework.
  const sandbox = await import('./sandbox/sandbox.ts');
  return sandbox.createSandbox(options);
}
