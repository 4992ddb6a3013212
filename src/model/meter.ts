/** A part of Dify that the bridge sends requests to. */
export type Plane = 'inner' | 'console' | 'files';

/** Counts what happens apart from calls. No method may throw. */
export interface Meter {
  /** A request to Dify ended. `status` is undefined if no answer arrived. */
  upstream(plane: Plane, status: number | undefined, durationMs: number): void;
  /** A request to the bridge was answered. `route` is one of a few words. */
  http(route: string, method: string | undefined, status: number): void;
  /** The catalogue was loaded, or could not be. */
  refreshed(source: 'console' | 'manifest', outcome: 'ok' | 'incomplete' | 'failed'): void;
}

/** Counts nothing. The default of the library and of tests. */
export const NO_METER: Meter = {
  upstream: () => undefined,
  http: () => undefined,
  refreshed: () => undefined,
};
