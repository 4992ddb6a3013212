import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Reference material next to the checkout: exchanges recorded from a running Dify and real declarations. */
const SHARED = resolve(fileURLToPath(import.meta.url), '../../../../shared/dify');

/** Whether the reference material exists next to the checkout. If not, the titles of tests say so. */
export const sharedIsPresent = existsSync(join(SHARED, 'recordings'));

/** Suffix for the title of a test that replays the reference material. */
export const sharedNote = sharedIsPresent ? '' : ' [recordings absent: nothing replayed]';

/** One exchange with a running Dify. */
export interface Recording {
  readonly name: string;
  readonly note: string;
  readonly dify_version: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Record<string, string>;
    readonly body?: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Record<string, string | string[]>;
    readonly headers_at_ms: number;
    readonly json?: unknown;
    readonly text?: string;
    readonly base64?: string;
    readonly chunks?: readonly { readonly at_ms: number; readonly base64: string }[];
  };
}

/** Folders of recordings by what was recorded. Only the first has every group and all refusals. */
export const RECORDED = {
  '1.12.1': 'recordings',
  '1.4.1': 'recordings-1.4.1',
  '1.16.1': 'recordings-1.16.1',
  'main of August 2026': 'recordings-main-2026-08',
} as const;
export type Recorded = keyof typeof RECORDED;

/** All recordings of one group (`invoke`, `invoke-error`, `console`, `files`, `status`); empty when absent. */
export function recordings(group: string, of: Recorded = '1.12.1'): Recording[] {
  if (!sharedIsPresent) return [];
  const folder = join(SHARED, RECORDED[of], group);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recording);
}

/** The recordings of one group from every release. */
export function everyRecording(group: string): (Recording & { readonly of: Recorded })[] {
  const releases = Object.keys(RECORDED) as Recorded[];
  return releases.flatMap((of) => recordings(group, of).map((entry) => ({ ...entry, of })));
}

/** One recording by `group/name`; undefined when the reference material is absent. */
export function recording(name: string): Recording | undefined {
  return recordings(name.split('/')[0] ?? '').find((entry) => entry.name === name);
}

/** The bytes of a recorded answer, whole. */
export function bodyOf(entry: Recording): Uint8Array {
  const { json, text, base64, chunks } = entry.response;
  if (chunks) return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk.base64, 'base64')));
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (text !== undefined) return Buffer.from(text);
  return Buffer.from(JSON.stringify(json));
}

/** One declaration of an official plugin's tool, as its YAML has it. */
export interface OfficialTool {
  readonly plugin: string;
  readonly provider: string;
  readonly name: string;
  readonly label: Record<string, string>;
  readonly description_llm: string;
  readonly description_human: Record<string, string>;
  readonly parameters: readonly Record<string, unknown>[];
  readonly output_schema: unknown;
}

/** The official declarations; empty when absent. */
export function officialTools(): OfficialTool[] {
  if (!sharedIsPresent) return [];
  return readFileSync(join(SHARED, 'official-tools.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as OfficialTool);
}
