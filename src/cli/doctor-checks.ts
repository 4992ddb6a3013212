import { statSync } from 'node:fs';
import type { App } from '../app/app.ts';
import type { ConsoleCredential, DifyConnection } from '../config/connection.ts';
import type { LoadedConfig } from '../config/load.ts';
import { explainAdminKeyError } from '../dify/console/admin-key-errors.ts';
import type { DifyConsole } from '../dify/console/console.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import { probeDownloadRequest, probeSigning, type VersionProbe } from '../dify/inner/probe.ts';
import { asBridgeError, type BridgeError, ERROR_RULES, type Problem } from '../model/errors.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { furtherNotes } from '../registry/notes.ts';
import { count } from './output.ts';
import { manifestLines, presentRegistry, staleLines } from './command-app.ts';

/** What a check found. */
export interface Finding {
  readonly status: 'pass' | 'warn' | 'fail' | 'skip';
  /** One sentence. */
  readonly message: string;
  /** Single things behind the message. */
  readonly details?: readonly string[] | undefined;
  /** What mends it. */
  readonly fix?: string | undefined;
  /** Exit code that a failed check asks for. */
  readonly exit?: number;
}

/** Oldest Dify that has the inner API's tool invocation. */
const OLDEST = [1, 0, 0] as const;
/** Releases whose workflow tools fail on every file output. */
const BROKEN_FILES: readonly string[] = ['1.12.0', '1.12.1'];
const ACCESS_TIMEOUT_S = 300;
const TOLERATED_SKEW_S = 60;
const MAX_DETAILS = 10;
const NOT_LISTED_FIX =
  "See the log of Dify's api service for what could not be listed. Frequent causes: the plugin daemon is down, or a plugin needs a newer Dify (upgrade Dify, or go back to an older version of the plugin).";

/** A failed check from the error that made it fail. */
export function failure(thrown: unknown): Finding {
  const error = asBridgeError(thrown);
  return {
    status: 'fail',
    message: error.message,
    details: error.problems.length === 0 ? undefined : error.problems.map(asLine),
    fix: error.hint,
    exit: error.rule.exit,
  };
}

/** A check that could not be made. */
export function skip(reason: string): Finding {
  return { status: 'skip', message: reason };
}

/** The configuration, which is valid, with its warnings. */
export function configurationFinding({ warnings: doubts, file, settings }: LoadedConfig): Finding {
  const holdsSecrets = settings.some(({ setting, source }) => setting.secret && source.startsWith('file '));
  const warnings = [...doubts, ...(file !== undefined && holdsSecrets ? openFile(file) : [])];
  const source = file === undefined ? 'no file' : `file ${file}`;
  if (warnings.length === 0) return { status: 'pass', message: `Valid (${source}).` };
  const message = `Valid (${source}), with ${count(warnings.length, 'warning')}.`;
  return { status: 'warn', message, details: warnings.map(asLine) };
}

/** What to say of a file with secrets that others can read. Windows has no such mode. */
function openFile(file: string): Problem[] {
  const mode = statSync(file).mode & 0o777;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return [];
  const message = `holds secrets and can be read by others (mode ${mode.toString(8)}): chmod 600 ${file}`;
  return [{ path: `file ${file}`, message }];
}

/** Which Dify it is, and whether the bridge knows how to talk to it. */
export function versionFinding({ version }: VersionProbe): Finding {
  if (version === undefined) {
    return {
      status: 'warn',
      message: 'Dify does not report its version.',
      fix: 'A proxy may remove the X-Version header: let DIFY_API_URL lead to the api service itself.',
    };
  }
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const differing = OLDEST.findIndex((number, index) => (parts[index] ?? 0) !== number);
  if (differing >= 0 && (parts[differing] ?? 0) < (OLDEST[differing] ?? 0)) {
    const message = `Dify ${version} is older than 1.0.0 and has no tools to invoke from outside.`;
    return { status: 'fail', message, fix: 'Upgrade Dify.', exit: ERROR_RULES.upstream_rejected.exit };
  }
  if (BROKEN_FILES.includes(version)) {
    return {
      status: 'warn',
      message: `Dify ${version}: its workflow tools fail whenever an output is a file.`,
      fix: 'Upgrade Dify to 1.13, or let the workflow output the url of the file as text.',
    };
  }
  return { status: 'pass', message: `Dify ${version}.` };
}

/** Whose tools are listed. */
export async function workspaceFinding(
  difyConsole: DifyConsole,
  credential: ConsoleCredential,
  signal: AbortSignal,
): Promise<Finding> {
  const way = credential.kind === 'admin-key' ? 'the admin key' : 'a login';
  try {
    const { id, name } = await difyConsole.currentWorkspace(signal);
    return { status: 'pass', message: `${name} (${id}), reached with ${way}.` };
  } catch (error) {
    const refusal = asBridgeError(error);
    if (credential.kind !== 'admin-key' || refusal.upstream?.status !== 401) return failure(refusal);
    return failure(await explainAdminKeyError(difyConsole, credential.workspaceId, refusal, signal));
  }
}

/** How many tools there are, and everything that keeps some of them away. */
export async function catalogueFinding(app: App, signal: AbortSignal): Promise<Finding> {
  app.start();
  try {
    const registry = await presentRegistry(app, signal);
    const { listing, lastError, stale } = app.status();
    const { providers = [], problems = [] } = listing ?? {};
    const counts = PROVIDER_TYPES.map((type) => {
      const tools = registry.tools.filter(({ ref }) => ref.providerType === type).length;
      return `${type} ${tools}`;
    });
    const unauthorized = providers.filter(({ authorized }) => !authorized).map(({ id }) => id);
    const reported = new Set(stale.map(({ message }) => message));
    const doubts = [
      ...(lastError === undefined ? [] : [`Dify could not be asked: ${lastError.split('\n')[0]}`]),
      ...staleLines(stale),
      ...manifestLines(app.manifests()),
      ...problems.filter(({ message }) => !reported.has(message)).map(({ message }) => message),
      ...unauthorized.map((id) => `${id} is not authorised in Dify: its tools will be refused`),
      ...registry.withheld.map(
        ({ name, reason, detail }) => `${name} is withheld (${reason}): ${detail.split('\n')[0]}`,
      ),
      ...furtherNotes(registry, 1).map(({ name, message }) => `${name}: ${message}`),
    ];
    const message = `${count(registry.tools.length, 'tool')} published (${counts.join(', ')}), ${registry.withheld.length} withheld.`;
    if (doubts.length === 0 && registry.tools.length > 0) return { status: 'pass', message };
    const fixes = [
      ...(problems.length === 0 ? [] : [NOT_LISTED_FIX]),
      ...(unauthorized.length === 0 ? [] : ['Authorise providers in Dify under Tools.']),
      ...(registry.withheld.length === 0 ? [] : ['tools explain NAME says what publishes a withheld tool.']),
    ];
    if (fixes.length === 0 && registry.tools.length === 0)
      fixes.push('Install a tool in this Dify workspace.');
    const fix = fixes.length === 0 ? undefined : fixes.join('\n');
    return { status: 'warn', message, details: shorten(doubts), fix };
  } catch (error) {
    return failure(error);
  }
}

/**
 * Whether files can be fetched: with links signed with the secret key, asked with the id of a file that cannot exist,
 * or with addresses that Dify gives.
 */
export async function signingFinding(
  http: DifyHttp,
  { secretKey, innerApiKey, workspaceId: tenantId }: DifyConnection,
  signal: AbortSignal,
): Promise<Finding> {
  const givesAddresses = (): Promise<boolean> =>
    probeDownloadRequest(http, { innerApiKey, tenantId }, signal).catch(() => false);
  if (secretKey === undefined) {
    if (await givesAddresses()) {
      return { status: 'pass', message: 'Not needed: this Dify gives addresses of files for the inner key.' };
    }
    return {
      status: 'warn',
      message:
        'DIFY_SECRET_KEY is not set: before Dify 1.15, files that tools return cannot be fetched, but for those of workflows.',
      fix: "Set DIFY_SECRET_KEY to SECRET_KEY of Dify's api service.",
    };
  }
  try {
    const { verdict, status } = await probeSigning(http, secretKey, signal);
    if (verdict === 'accepted') {
      return { status: 'pass', message: 'Dify accepts links signed with DIFY_SECRET_KEY.' };
    }
    if (verdict === 'refused' && (await givesAddresses())) {
      return {
        status: 'warn',
        message:
          'Dify refuses links signed with DIFY_SECRET_KEY. Files still arrive: this Dify gives addresses for them.',
        fix: "Leave DIFY_SECRET_KEY out, or set it to SECRET_KEY of Dify's api service.",
      };
    }
    if (verdict === 'refused') {
      return {
        status: 'fail',
        message: 'Dify refuses links signed with DIFY_SECRET_KEY: files of results will not arrive.',
        fix: "Set DIFY_SECRET_KEY to SECRET_KEY of Dify's api service, and see the clock below.",
        exit: ERROR_RULES.upstream_unauthorized.exit,
      };
    }
    return {
      status: 'warn',
      message: `Dify answered a signed link with the unexpected status ${status}.`,
      fix: 'Check that /files at DIFY_API_URL leads to the api service.',
    };
  } catch (error) {
    return failure(error);
  }
}

/** Whether both clocks agree: a link signed with a time 300 s ago is dead on arrival. */
export function clockFinding(serverDate: Date | undefined, now: Date): Finding {
  if (serverDate === undefined) return skip('Dify sends no date.');
  const behind = Math.round((serverDate.getTime() - now.getTime()) / 1000);
  const difference = `This clock is ${Math.abs(behind)} s ${behind > 0 ? 'behind' : 'ahead of'} Dify's`;
  const fix = 'Synchronise the clocks of both machines (NTP).';
  if (behind >= ACCESS_TIMEOUT_S) {
    const message = `${difference}: every signed link has expired when Dify reads it.`;
    return { status: 'fail', message, fix, exit: ERROR_RULES.upstream_rejected.exit };
  }
  if (Math.abs(behind) > TOLERATED_SKEW_S) return { status: 'warn', message: `${difference}.`, fix };
  return { status: 'pass', message: `Within ${TOLERATED_SKEW_S} s of Dify's.` };
}

function asLine({ path, message }: BridgeError['problems'][number]): string {
  return `${path}: ${message}`;
}

function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_DETAILS) return lines;
  return [...lines.slice(0, MAX_DETAILS), `… and ${lines.length - MAX_DETAILS} more: see tools list`];
}
