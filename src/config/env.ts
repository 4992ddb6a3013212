/** Environment variables by name; the only form in which the rest of the program sees them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process: the one place that reads it. */
export function processEnvironment(): Environment {
  return process.env;
}
