import type { Logger } from '../model/logger.ts';
import type { CatalogProblem } from '../model/ports.ts';
import type { RegistryNote, RegistrySource } from '../model/registry.ts';
import { settingNoteText } from '../registry/notes.ts';

/** Problems in one log line. */
const MAX_PROBLEMS = 50;

/** A setting that does not fit the tools of some views. */
interface SettingWarning {
  readonly problem: string;
  readonly views: Set<string>;
}

/** Logs which settings of the views do not fit the tools that there are: each once, however many views go by it. */
export class SettingWarnings {
  readonly #logger: Logger;
  #logged: ReadonlySet<string> = new Set();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Looks at the tools as they are now. `unlisted` is what Dify could not list. */
  review(
    views: Iterable<{ readonly name: string; readonly registry: RegistrySource }>,
    unlisted: readonly CatalogProblem[],
  ): void {
    const found = warningsOf(views);
    const fresh = [...found].filter(([key]) => !this.#logged.has(key)).map(([, warning]) => warning);
    if (fresh.length > 0) {
      this.#logger.warn('Settings do not fit the tools that there are', {
        views: [...new Set(fresh.flatMap((warning) => [...warning.views]))],
        count: fresh.length,
        problems: fresh.slice(0, MAX_PROBLEMS).map(({ problem }) => problem),
        ...(unlisted.length > 0 && {
          unlisted: 'Dify could not list everything: what is missed may be there.',
        }),
        advice: '"config check" names all of them, "tools list" what is withheld.',
      });
    } else if (this.#logged.size > 0 && found.size === 0) {
      this.#logger.info('The settings fit the tools again');
    }
    this.#logged = new Set(found.keys());
  }
}

/** By what is wrong with which setting, so that views with the same setting have one warning. */
function warningsOf(
  views: Iterable<{ readonly name: string; readonly registry: RegistrySource }>,
): ReadonlyMap<string, SettingWarning> {
  const found = new Map<string, SettingWarning>();
  for (const { name: view, registry } of views) {
    for (const note of registry.current()?.notes ?? []) {
      const { setting, name, message } = note;
      if (setting === undefined) continue;
      const key = JSON.stringify([setting, name, withoutAdvice(note)]);
      const known = found.get(key);
      if (known !== undefined) known.views.add(view);
      else {
        const problem = settingNoteText({ setting, name, message });
        found.set(key, { problem, views: new Set([view]) });
      }
    }
  }
  return found;
}

/** What is wrong, without the advice that follows: that changes with whatever else Dify lists. */
function withoutAdvice({ message }: RegistryNote): string {
  return message.replace(/ (?:Did you mean |Its choices: |There are: |There are none\.).*$/s, '');
}
