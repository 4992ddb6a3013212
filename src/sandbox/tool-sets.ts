import type { SandboxProvider } from './provider.ts';
import { mishapsProvider, postboxProvider } from './tools-failing.ts';
import { libraryProvider } from './tools-library.ts';
import { petStoreProvider } from './tools-pet-store.ts';
import { studioProvider } from './tools-studio.ts';
import { timeProvider } from './tools-time.ts';
import { samplesProvider } from './tools-samples.ts';
import {
  compareTextsWorkflow,
  echoFileWorkflow,
  slowReportWorkflow,
  textReportWorkflow,
} from './tools-workflows.ts';

/** The sets of tools for a sandbox. */
export const TOOL_SET_NAMES = ['demo', 'files', 'long'] as const;

export type ToolSetName = (typeof TOOL_SET_NAMES)[number];

/**
 * Returns the providers of a set; `petServiceUrl` is the address of the service behind the custom API.
 */
export function toolSet(name: ToolSetName, petServiceUrl: string): readonly SandboxProvider[] {
  if (name === 'long') return [studioProvider, slowReportWorkflow];
  if (name === 'files') return [samplesProvider, echoFileWorkflow];
  return [
    timeProvider,
    studioProvider,
    mishapsProvider,
    postboxProvider,
    petStoreProvider(petServiceUrl),
    compareTextsWorkflow,
    textReportWorkflow,
    libraryProvider,
  ];
}
