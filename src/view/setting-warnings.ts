import type { Logger } from '../model/logger.ts';
import type { CatalogProblem } from '../model/ports.ts';
import type { RegistrySource } from '../model/registry.ts';
import { settingNoteText } from '../registry/notes.ts';

/** Problems in one log line. */
const MAX_PROBLEMS = 50;

interface Told {
  readonly name: string;
  readonly registry: RegistrySource;
}

/**
 * Says in the log which settings of the views do not fit the tools that there are, be it from the start or since Dify
 * has changed: each once, however many views go by it. `unlisted` is what Dify could not list.
 */
export function createMisfitLog(
  logger: Logger,
): (views: Iterable<Told>, unlisted: readonly CatalogProblem[]) => void {
  let told: ReadonlySet<string> = new Set();
  return (views, unlisted) => {
    const found = new Map<string, { readonly problem: string; readonly views: Set<string> }>();
    for (const { name: view, registry } of views) {
      for (const { setting, name, message } of registry.current()?.notes ?? []) {
        if (setting === undefined) continue;
        const key = JSON.stringify([setting, name, withoutAdvice(message)]);
        const known = found.get(key) ?? {
          problem: settingNoteText({ setting, name, message }),
          views: new Set(),
        };
        found.set(key, known);
        known.views.add(view);
      }
    }
    const fresh = [...found].filter(([key]) => !told.has(key)).map(([, misfit]) => misfit);
    if (fresh.length > 0) {
      logger.warn('Settings do not fit the tools that there are', {
        views: [...new Set(fresh.flatMap((misfit) => [...misfit.views]))],
        count: fresh.length,
        problems: fresh.slice(0, MAX_PROBLEMS).map(({ problem }) => problem),
        ...(unlisted.length > 0 && {
          unlisted: 'Dify could not list everything: what is missed may be there.',
        }),
        advice: '"config check" names all of them, "tools list" what is withheld.',
      });
    } else if (told.size > 0 && found.size === 0) {
      logger.info('The settings fit the tools again');
    }
    told = new Set(found.keys());
  };
}

/** What is wrong, without the advice that follows: that changes with whatever else Dify lists. */
function withoutAdvice(message: string): string {
  return message.replace(/ (?:Did you mean |Its choices: |There are: |There are none\.).*$/s, '');
}
