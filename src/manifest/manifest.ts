import type { ToolProvider, ToolRef } from '../model/tool.ts';
import type { Approvable } from './hash.ts';

/** The default folder of `manifest pull`, relative to the working directory. */
export const MANIFEST_DIR = 'manifests/tools';

export interface ApprovedTool extends Approvable {
  readonly ref: ToolRef;
  /** `toolHash` of the other fields. */
  readonly hash: string;
}

/** The approved tools of one folder, read and checked. */
export interface Manifest {
  /** The folder, as the configuration names it. */
  readonly dir: string;
  /** The providers with the declarations of their approved tools, by file name. */
  readonly providers: readonly ToolProvider[];
  /** The same, with tools that were never published but on which the names of approved ones depend. */
  readonly catalog: readonly ToolProvider[];
  /** In code-point order of the name. */
  readonly tools: readonly ApprovedTool[];
}
