import type { Logger } from './model/logger.ts';
import type { Registry } from './model/registry.ts';

/** Problems in one log line. */
const MAX_PROBLEMS = 50;

/**
 * Says in the log which settings of a view do not fit the tools that there are, be it from the start or since Dify has
 * changed: each state once.
 */
export function createMisfitLog(view: string, logger: Logger): (registry: Registry) => void {
  let told = '';
  return (registry) => {
    const problems = registry.notes.flatMap(({ setting, message }) =>
      setting === undefined ? [] : [`${setting}: ${message}`],
    );
    const text = problems.join('\n');
    if (text === told) return;
    told = text;
    if (problems.length === 0) {
      logger.info('The settings fit the tools again', { view });
      return;
    }
    logger.warn('Settings do not fit the tools that there are', {
      view,
      count: problems.length,
      problems: problems.slice(0, MAX_PROBLEMS),
      advice: '"config check" names them with the lines of the file, "tools list" what is withheld.',
    });
  };
}
