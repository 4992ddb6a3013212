/** Cuts a text to at most `max` characters, with an ellipsis at the end. Never cuts inside a surrogate pair. */
export function cutText(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1).replace(/\p{Surrogate}$/u, '')}…` : text;
}
