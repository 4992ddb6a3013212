import type { Logger } from '../model/logger.ts';
import type { CatalogProblem } from '../model/ports.ts';
import type { RegistrySource } from '../model/registry.ts';
import { settingNoteText } from '../registry/notes.ts';

const MAX_PROBLEMS = 50;

/** A setting that does not match the tools of some views. */
interface SettingWarning {
  readonly problems: Set<string>;
  readonly views: Set<string>;
}

/** Logs settings that do not match the available tools: each once, even if several views have it. */
export class SettingWarnings {
  readonly #logger: Logger;
  #logged: ReadonlySet<string> = new Set();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Checks the settings against the current tools. `unlisted` is what Dify could not list. */
  review(
    views: Iterable<{ readonly name: string; readonly registry: RegistrySource }>,
    unlisted: readonly CatalogProblem[],
  ): void {
    const found = warningsOf(views);
    const fresh = [...found].filter(([key]) => !this.#logged.has(key)).map(([, warning]) => warning);
    if (fresh.length > 0) {
      this.#logger.warn('Settings do not match the available tools', {
        views: [...new Set(fresh.flatMap((warning) => [...warning.views]))],
        count: fresh.length,
        problems: fresh.flatMap((warning) => [...warning.problems]).slice(0, MAX_PROBLEMS),
        unlisted:
          unlisted.length > 0 ? 'Dify could not list everything, so the missing tools may exist.' : undefined,
        advice: '"config check" names all of these settings; "tools list" shows the withheld tools.',
      });
    } else if (this.#logged.size > 0 && found.size === 0) {
      this.#logger.info('The settings match the available tools again');
    }
    this.#logged = new Set(found.keys());
  }
}

/** Returns the warnings by setting and tool, not by text, because its advice changes with the other tools in Dify. */
function warningsOf(
  views: Iterable<{ readonly name: string; readonly registry: RegistrySource }>,
): ReadonlyMap<string, SettingWarning> {
  const found = new Map<string, SettingWarning>();
  for (const { name: view, registry } of views) {
    for (const { setting, name, message } of registry.current()?.notes ?? []) {
      if (setting === undefined) continue;
      const key = JSON.stringify([setting, name]);
      const warning = found.get(key) ?? { problems: new Set(), views: new Set() };
      warning.problems.add(settingNoteText({ setting, name, message }));
      warning.views.add(view);
      found.set(key, warning);
    }
  }
  return found;
}
