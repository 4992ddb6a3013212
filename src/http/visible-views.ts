/** A view at its path. */
interface PlacedView {
  readonly name: string;
  readonly path: string;
}

/**
 * Returns the views that a caller may use, by path: all of them, or those with the given names. The first of these is at
 * the default path too, unless the default view is one of them.
 */
export function visibleViews<View extends PlacedView>(
  served: readonly View[],
  defaultPath: string,
  names: readonly string[] | undefined,
): ReadonlyMap<string, View> {
  const allowed = names === undefined ? served : served.filter(({ name }) => names.includes(name));
  const visible = new Map(allowed.map((view) => [view.path, view]));
  const first = names && allowed.find(({ name }) => name === names[0]);
  if (first !== undefined && !visible.has(defaultPath)) visible.set(defaultPath, first);
  return visible;
}
