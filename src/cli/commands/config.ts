import { DEFAULT_VIEW } from '../../config/views.ts';
import { difyConnection } from '../../config/connection.ts';
import type { EffectiveSetting, LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { asBridgeError, ERROR_RULES } from '../../model/errors.ts';
import { settingNoteText } from '../../registry/notes.ts';
import { INTERRUPTED, listenForInterrupt } from '../interrupt.ts';
import { count, table } from '../output.ts';
import { type CommandContext, configOf, loggerOf } from '../session.ts';

const MASK = '********';

/** Options of `config check`. */
export interface CheckOptions {
  /** True: fail where the tools cannot be listed. False: do not try. Absent: try. */
  readonly live?: boolean | undefined;
}

/** A setting that does not fit the tools that Dify has. */
interface Misfit {
  readonly setting: string;
  /** The tool, preset or rule that it is about. */
  readonly name: string;
  readonly message: string;
}

/** What the check against the tools came to. */
type LiveCheck =
  | {
      readonly done: true;
      readonly tools: number;
      readonly misfits: readonly Misfit[];
      /** What of the tools could not be listed: what fits none may be about these. */
      readonly unlisted: readonly string[];
      /** Where the tools are from: Dify, or the files of a manifest where Dify cannot be asked. */
      readonly source: 'dify' | 'manifest';
    }
  | { readonly done: false; readonly reason: string };

/**
 * `config check`: prints warnings, and what of the rules and presets does not fit Dify's tools. Throws with
 * everything that is wrong in the configuration itself.
 */
export async function checkConfig(context: CommandContext, { live }: CheckOptions = {}): Promise<number> {
  const { output } = context;
  const loaded = await configOf(context, true);
  const { warnings, file } = loaded;
  const interrupt = listenForInterrupt(context.io);
  let check: LiveCheck = { done: false, reason: '--no-live was given.' };
  try {
    if (live !== false) check = await againstTools(context, loaded, live === true, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    interrupt.release();
  }
  const misfits = check.done ? check.misfits : [];
  const value = { ok: misfits.length === 0, file: file ?? null, warnings, live: check };
  output.data(value, () => {
    const lines = [
      ...warnings.map(({ path, message }) => `${output.paint('yellow', 'warning:')} ${path}: ${message}`),
      ...(check.done ? check.unlisted : []).map(
        (message) => `${output.paint('yellow', 'not listed:')} ${message}`,
      ),
      ...misfits.map((misfit) => `${output.paint('red', 'problem:')} ${settingNoteText(misfit)}`),
    ];
    const read = file === undefined ? '' : ` (file ${file})`;
    const verdict = warnings.length === 0 ? 'no warnings' : count(warnings.length, 'warning');
    return [...lines, `The configuration is valid${read}: ${verdict}.`, liveText(check)].join('\n');
  });
  return misfits.length === 0 ? 0 : ERROR_RULES.config_invalid.exit;
}

/** Holds rules and presets of every view against the tools that Dify has at present. */
async function againstTools(
  context: CommandContext,
  loaded: LoadedConfig,
  demanded: boolean,
  signal: AbortSignal,
): Promise<LiveCheck> {
  const logger = await loggerOf(loaded, true);
  const app = await context.io.createApp(liveConfig(loaded.config), { logger });
  try {
    app.start();
    const misfits = new Map<string, Misfit>();
    let tools = 0;
    for (const [view, { registry }] of app.views) {
      const built = await registry.ready(signal);
      if (view === DEFAULT_VIEW) tools = built.tools.length + built.withheld.length;
      for (const { setting, name, message } of built.notes) {
        // A view that takes its presets from another has the same to say of them.
        const misfit = setting === undefined ? undefined : { setting, name, message };
        if (misfit !== undefined) misfits.set(JSON.stringify(misfit), misfit);
      }
    }
    const unlisted = (app.status().listing?.problems ?? []).map(({ message }) => message);
    const source = app.manifests().length > 0 ? 'manifest' : 'dify';
    return { done: true, tools, misfits: [...misfits.values()], unlisted, source };
  } catch (thrown) {
    if (demanded || signal.aborted) throw thrown;
    return { done: false, reason: asBridgeError(thrown).message };
  } finally {
    await app.close(0);
  }
}

/** Dify's own tools, where they can be listed, rather than those that a manifest has of them. */
function liveConfig(config: Config): Config {
  const isListed = config.sandbox !== undefined || difyConnection(config).console !== undefined;
  return isListed ? { ...config, manifest: { frozen: false } } : config;
}

function liveText(check: LiveCheck): string {
  if (!check.done) return `Rules and presets were not checked against Dify's tools. ${check.reason}`;
  const tools = count(check.tools, 'tool');
  const { length } = check.misfits;
  const whose =
    check.source === 'manifest' ? 'of the manifest, since Dify cannot be asked' : 'that Dify lists';
  const verdict =
    length === 0
      ? `Rules and presets fit the ${tools} ${whose}.`
      : `${count(length, 'problem')} with the ${tools} ${whose}.`;
  return check.unlisted.length === 0 ? verdict : `${verdict} Not all could be listed: see above.`;
}

/** `config show`: every setting with its value and source; secrets are masked. */
export async function showConfig(context: CommandContext): Promise<number> {
  const { settings, file } = await configOf(context, false);
  const rows = settings.map((entry) => ({
    path: entry.setting.path,
    value: shownValue(entry),
    source: entry.source,
    env: entry.setting.env ?? null,
    secret: entry.setting.secret === true,
  }));
  context.output.data({ file: file ?? null, settings: rows }, () =>
    table([
      ['SETTING', 'VALUE', 'SOURCE'],
      ...rows.map(({ path, value, source }) => [path, asText(value), source]),
    ]),
  );
  return 0;
}

/** `config schema`: the JSON Schema of the configuration file. */
export async function printSchema(context: CommandContext): Promise<number> {
  const { configFileSchema } = await import('../../config/schema.ts');
  context.output.raw(JSON.stringify(configFileSchema(), null, 2));
  return 0;
}

function shownValue({ setting, value }: EffectiveSetting): unknown {
  if (value === undefined) return null;
  return setting.secret === true ? MASK : value;
}

function asText(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}
