import { DEFAULT_VIEW } from '../../config/views.ts';
import { difyConnection } from '../../config/connection.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { asBridgeError, ERROR_RULES } from '../../model/errors.ts';
import type { RegistryNote } from '../../model/registry.ts';
import { settingNoteText } from '../../registry/notes.ts';
import { untilInterrupted } from '../interrupt.ts';
import { count, type Output } from '../output.ts';
import { type CommandContext, configOf, loggerOf } from '../session.ts';

interface CheckOptions {
  /** True: fail if the tools cannot be listed. False: do not try. Absent: try. */
  readonly live?: boolean;
}

/** A setting that does not fit the tools in Dify. */
type SettingWarning = Required<RegistryNote>;

/** The outcome of the check against the tools. */
type LiveCheck =
  | {
      readonly done: true;
      readonly tools: number;
      readonly warnings: readonly SettingWarning[];
      /** Parts of the catalogue that could not be listed: a setting without a match may concern them. */
      readonly unlisted: readonly string[];
      /** Where the tools come from: Dify, or a manifest if Dify cannot be listed. */
      readonly source: 'dify' | 'manifest';
    }
  | { readonly done: false; readonly reason: string };

/**
 * `config check`: prints warnings, and the rules and presets that do not fit Dify's tools. Throws with
 * every problem of the configuration itself.
 */
export function run(context: CommandContext, { live }: CheckOptions): Promise<number> {
  return untilInterrupted(context.io, async (signal) => {
    const loaded = await configOf(context);
    const check: LiveCheck =
      live === false
        ? { done: false, reason: '--no-live was given.' }
        : await againstTools(context, loaded, live === true, signal);
    const unfit = check.done ? check.warnings : [];
    const value = {
      ok: unfit.length === 0,
      file: loaded.file ?? null,
      warnings: loaded.warnings,
      live: check,
    };
    context.output.data(value, () => context.output.prose(reportText(loaded, check, context.output)));
    return unfit.length === 0 ? 0 : ERROR_RULES.config_invalid.exit;
  });
}

function reportText({ warnings, file }: LoadedConfig, check: LiveCheck, output: Output): string {
  const { unlisted = [], warnings: unfit = [] } = check.done ? check : {};
  const read = file === undefined ? '' : ` (file ${file})`;
  const verdict = warnings.length === 0 ? 'no warnings' : count(warnings.length, 'warning');
  return [
    ...warnings.map(({ path, message }) => `${output.paint('yellow', 'warning:')} ${path}: ${message}`),
    ...unlisted.map((message) => `${output.paint('yellow', 'not listed:')} ${message}`),
    ...unfit.map((note) => `${output.paint('red', 'problem:')} ${settingNoteText(note)}`),
    `The configuration is valid${read}: ${verdict}.`,
    liveText(check),
  ].join('\n');
}

/** Compares the rules and presets of every view with Dify's present tools. */
async function againstTools(
  context: CommandContext,
  loaded: LoadedConfig,
  demanded: boolean,
  signal: AbortSignal,
): Promise<LiveCheck> {
  const logger = loggerOf(loaded, true);
  const app = await context.io.createApp(liveConfig(loaded.config), { logger });
  try {
    app.start();
    const unfit = new Map<string, SettingWarning>();
    let tools = 0;
    for (const [view, { registry }] of app.views) {
      const built = await registry.ready(signal);
      if (view === DEFAULT_VIEW) tools = built.tools.length + built.withheld.length;
      for (const { setting, name, message } of built.notes) {
        // Report a setting that several views share only once.
        if (setting !== undefined)
          unfit.set(JSON.stringify([setting, name, message]), { setting, name, message });
      }
    }
    const unlisted = (app.status().listing?.problems ?? []).map(({ message }) => message);
    const source = app.manifests().length > 0 ? 'manifest' : 'dify';
    return { done: true, tools, warnings: [...unfit.values()], unlisted, source };
  } catch (thrown) {
    if (demanded || signal.aborted) throw thrown;
    return { done: false, reason: asBridgeError(thrown).message };
  } finally {
    await app.close(0);
  }
}

/** Returns a configuration that lists Dify's own tools if it can, rather than those of the manifest. */
function liveConfig(config: Config): Config {
  const isListed = config.sandbox !== undefined || difyConnection(config).console !== undefined;
  return isListed ? { ...config, manifest: { frozen: false } } : config;
}

function liveText(check: LiveCheck): string {
  if (!check.done) return `Rules and presets were not checked against Dify's tools. ${check.reason}`;
  const tools = count(check.tools, 'tool');
  const { length } = check.warnings;
  const whose =
    check.source === 'manifest' ? 'of the manifest, because Dify is not available' : 'that Dify lists';
  const verdict =
    length === 0
      ? `Rules and presets fit the ${tools} ${whose}.`
      : `${count(length, 'problem')} with the ${tools} ${whose}.`;
  return check.unlisted.length === 0 ? verdict : `${verdict} Some tools could not be listed: see above.`;
}
