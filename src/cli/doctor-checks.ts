import { statSync } from 'node:fs';
import type { App } from '../app/app.ts';
import type { ConsoleCredential, InnerConnection, StoredCredential } from '../config/connection.ts';
import type { LoadedConfig } from '../config/load.ts';
import { APP_NAME, type BridgeApp } from '../dify/account/bridge-app.ts';
import { explainAdminKeyError } from '../dify/console/admin-key-errors.ts';
import type { DifyConsole } from '../dify/console/console.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import { probeDownloadRequest, probeSigning, type VersionProbe } from '../dify/inner/probe.ts';
import { isSince } from '../dify/wire/release.ts';
import { asBridgeError, type BridgeError, ERROR_RULES, type Problem } from '../model/errors.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { furtherNotes } from '../registry/notes.ts';
import { count } from './output.ts';
import { unusableTools } from './tool-texts.ts';
import { manifestLines, presentRegistry, staleLines } from './command-app.ts';

export interface Finding {
  readonly status: 'pass' | 'warn' | 'fail' | 'skip';
  readonly message: string;
  readonly details?: readonly string[] | undefined;
  readonly fix?: string | undefined;
  /** The exit code that a failed check requires. */
  readonly exit?: number;
}

/** Releases in which workflow tools fail on every file output. */
const BROKEN_FILES: readonly string[] = ['1.12.0', '1.12.1'];
const ACCESS_TIMEOUT_S = 300;
const TOLERATED_SKEW_S = 60;
const MAX_DETAILS = 10;
const NOT_LISTED_FIX =
  "See the log of Dify's api service for what could not be listed. Frequent causes: the plugin daemon is down, or a plugin needs a newer Dify (upgrade Dify, or go back to an older version of the plugin).";

/** Returns a failed check for an error. */
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

export function pass(message: string): Finding {
  return { status: 'pass', message };
}

export function warn(message: string, fix?: string, details?: readonly string[]): Finding {
  return { status: 'warn', message, details, fix };
}

export function fail(message: string, fix: string, exit: number): Finding {
  return { status: 'fail', message, fix, exit };
}

export function skip(message: string): Finding {
  return { status: 'skip', message };
}

export function configurationFinding({ warnings: doubts, file, settings }: LoadedConfig): Finding {
  const holdsSecrets = settings.some(({ setting, source }) => setting.secret && source.startsWith('file '));
  const warnings = [...doubts, ...(file !== undefined && holdsSecrets ? openFile(file) : [])];
  const source = file === undefined ? 'no file' : `file ${file}`;
  if (warnings.length === 0) return pass(`Valid (${source}).`);
  const message = `Valid (${source}), with ${count(warnings.length, 'warning')}.`;
  return warn(message, undefined, warnings.map(asLine));
}

/** Returns a warning if other users can read a file with secrets. Windows has no such mode. */
function openFile(file: string): Problem[] {
  const mode = statSync(file).mode & 0o777;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return [];
  const message = `contains secrets and is readable by other users (mode ${mode.toString(8)}): run chmod 600 ${file}`;
  return [{ path: `file ${file}`, message }];
}

export function versionFinding({ version }: VersionProbe): Finding {
  if (version === undefined) {
    return warn('Dify does not report its version.', 'A proxy may remove the X-Version header.');
  }
  // Its inner API cannot invoke tools.
  if (isSince(version, '1.0.0') === false) {
    const message = `Dify ${version} is older than 1.0.0 and has no tools to invoke from outside.`;
    return fail(message, 'Upgrade Dify.', ERROR_RULES.upstream_rejected.exit);
  }
  if (BROKEN_FILES.includes(version)) {
    return warn(
      `Dify ${version}: its workflow tools fail whenever an output is a file.`,
      'Upgrade Dify to 1.13, or let the workflow output the url of the file as text.',
    );
  }
  return pass(`Dify ${version}.`);
}

export async function workspaceFinding(
  difyConsole: DifyConsole,
  credential: ConsoleCredential | StoredCredential,
  signal: AbortSignal,
): Promise<Finding> {
  const way = credential.kind === 'admin-key' ? 'the admin key' : 'a login';
  try {
    const { id, name } = await difyConsole.currentWorkspace(signal);
    return pass(`${name} (${id}), reached with ${way}.`);
  } catch (error) {
    const refusal = asBridgeError(error);
    if (credential.kind !== 'admin-key' || refusal.upstream?.status !== 401) return failure(refusal);
    return failure(await explainAdminKeyError(difyConsole, credential.workspaceId, refusal, signal));
  }
}

/** Returns whether the account has the app in which the bridge runs tools. Makes none. */
export async function appFinding(app: BridgeApp, mayCreate: boolean, signal: AbortSignal): Promise<Finding> {
  try {
    const id = await app.find(signal);
    if (id !== undefined) return pass(`Tools run in the app "${APP_NAME}" (${id}).`);
    if (mayCreate) return pass(`The first call creates the app "${APP_NAME}", in which tools run.`);
    const { exit } = ERROR_RULES.app_missing;
    const fix = 'Set DIFY_CREATE_APP=true (dify.createApp), so that the bridge creates it.';
    return fail(`The account has no app "${APP_NAME}", in which the bridge runs tools.`, fix, exit);
  } catch (error) {
    return failure(error);
  }
}

export async function catalogueFinding(app: App, signal: AbortSignal): Promise<Finding> {
  app.start();
  try {
    const registry = await presentRegistry(app, signal);
    const { listing, lastError, stale } = app.status();
    const { problems = [] } = listing ?? {};
    const counts = PROVIDER_TYPES.map((type) => {
      const tools = registry.tools.filter(({ ref }) => ref.providerType === type).length;
      return `${type} ${tools}`;
    });
    // What the operator's rules hide needs no fix.
    const unfit = registry.withheld.filter(({ reason }) => reason !== 'hidden');
    const reported = new Set(stale.map(({ message }) => message));
    const doubts = [
      ...(lastError === undefined ? [] : [`Dify could not list its tools: ${lastError.split('\n')[0]}`]),
      ...staleLines(stale),
      ...manifestLines(app.manifests()),
      ...problems.filter(({ message }) => !reported.has(message)).map(({ message }) => message),
      ...unusableTools(registry),
      ...unfit.map(({ name, reason, detail }) => `${name} is withheld (${reason}): ${detail.split('\n')[0]}`),
      ...furtherNotes(registry, 1).map(({ name, message }) => `${name}: ${message}`),
    ];
    const message = `${count(registry.tools.length, 'tool')} published (${counts.join(', ')}), ${registry.withheld.length} withheld.`;
    if (doubts.length === 0 && registry.tools.length > 0) return pass(message);
    const fixes = [
      ...(problems.length === 0 ? [] : [NOT_LISTED_FIX]),
      ...(registry.tools.every(({ authorized }) => authorized)
        ? []
        : ['Authorise these providers in Dify under Tools.']),
      ...((registry.tools.length > 0 ? unfit : registry.withheld).length === 0
        ? []
        : ['dify-mcp-bridge tools explain NAME says what publishes a withheld tool.']),
    ];
    if (fixes.length === 0 && registry.tools.length === 0)
      fixes.push('Install a tool in this Dify workspace.');
    return warn(message, fixes.join('\n') || undefined, shorten(doubts));
  } catch (error) {
    return failure(error);
  }
}

/**
 * Returns whether files can be fetched: with links signed by the secret key, tried with the id of a file
 * that cannot exist, or with addresses from Dify.
 */
export async function signingFinding(
  http: DifyHttp,
  { secretKey, innerApiKey, workspaceId: tenantId }: InnerConnection,
  signal: AbortSignal,
): Promise<Finding> {
  const givesAddresses = (): Promise<boolean> =>
    probeDownloadRequest(http, { innerApiKey, tenantId }, signal).catch(() => false);
  if (secretKey === undefined) {
    if (await givesAddresses()) {
      return pass('Not needed: this Dify gives addresses of files for the inner key.');
    }
    return warn(
      'DIFY_SECRET_KEY is not set: before Dify 1.15, files that tools return cannot be fetched, except those of workflows.',
      "Set DIFY_SECRET_KEY to SECRET_KEY of Dify's api service.",
    );
  }
  try {
    const { verdict, status } = await probeSigning(http, secretKey, signal);
    if (verdict === 'accepted') return pass('Dify accepts links signed with DIFY_SECRET_KEY.');
    if (verdict !== 'refused') {
      return warn(
        `Dify answered a signed link with the unexpected status ${status}.`,
        'Check that /files at DIFY_API_URL points to the api service.',
      );
    }
    if (await givesAddresses()) {
      return warn(
        'Dify refuses links signed with DIFY_SECRET_KEY. Files still arrive: this Dify gives addresses for them.',
        "Unset DIFY_SECRET_KEY, or set it to SECRET_KEY of Dify's api service.",
      );
    }
    return fail(
      'Dify refuses links signed with DIFY_SECRET_KEY: files of results will not arrive.',
      "Set DIFY_SECRET_KEY to SECRET_KEY of Dify's api service, and see the clock below.",
      ERROR_RULES.upstream_unauthorized.exit,
    );
  } catch (error) {
    return failure(error);
  }
}

/** Returns whether both clocks agree: Dify refuses links whose timestamp is 300 s in the past. */
export function clockFinding(serverDate: Date | undefined, now: Date): Finding {
  if (serverDate === undefined) return skip('Dify sends no date.');
  const behind = Math.round((serverDate.getTime() - now.getTime()) / 1000);
  const difference = `This clock is ${Math.abs(behind)} s ${behind > 0 ? 'behind' : 'ahead of'} Dify's`;
  const fix = 'Synchronise the clocks of both machines (NTP).';
  if (behind >= ACCESS_TIMEOUT_S) {
    const message = `${difference}: every signed link has expired when Dify receives it.`;
    return fail(message, fix, ERROR_RULES.upstream_rejected.exit);
  }
  if (Math.abs(behind) > TOLERATED_SKEW_S) return warn(`${difference}.`, fix);
  return pass(`Within ${TOLERATED_SKEW_S} s of Dify's.`);
}

function asLine({ path, message }: BridgeError['problems'][number]): string {
  return `${path}: ${message}`;
}

function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_DETAILS) return lines;
  return [
    ...lines.slice(0, MAX_DETAILS),
    `… and ${lines.length - MAX_DETAILS} more: see dify-mcp-bridge tools list`,
  ];
}
