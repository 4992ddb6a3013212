import type { CallObserver } from '../model/call.ts';
import { durationText } from '../model/duration.ts';
import type { ToolRef } from '../model/tool.ts';

/** Watches how long a tool sends nothing. */
export interface Silence {
  /** The tool sent a message. */
  heard(): void;
  stop(): void;
}

/**
 * Reports to the observer whenever a plugin has sent nothing for another `afterMs`. If a plugin's process dies, its
 * call hangs until Dify's own time limit. Other tools are silent until they end, so nothing is reported for them.
 */
export function watchSilence(
  { providerType, providerId }: ToolRef,
  afterMs: number,
  observer: CallObserver | undefined,
): Silence {
  if (providerType !== 'builtin' || !providerId.includes('/')) {
    return { heard: () => undefined, stop: () => undefined };
  }
  let heardAt = performance.now();
  const timer = setInterval(() => {
    const silent = durationText(Math.round((performance.now() - heardAt) / 1000) * 1000);
    observer?.progress?.(
      `The plugin has sent nothing for ${silent}. It may still be working, or it may have died: ` +
        'Dify notices that only after 10 minutes.',
    );
  }, afterMs).unref();
  return {
    heard() {
      heardAt = performance.now();
      timer.refresh();
    },
    stop: () => clearInterval(timer),
  };
}
