// Which of the requests of a page counts, when they are slow, overtake each other or are lost.

/** A request of htmx; what asked for it, and as which one. */
export type Asked = {
  sourceElement?: Element;
  request: { method: string; headers: Record<string, string> };
  response?: { status: number };
  turn: number;
};

let turns = 0;
let newest: Asked | undefined;

export function askedBy(event: Event): Asked | undefined {
  return (event as CustomEvent<{ ctx?: Asked }>).detail.ctx;
}

export function isNewest(asked: Asked | undefined): boolean {
  return asked === newest;
}

/** Count what is asked for, in the order of the clicks. */
export function number(event: Event): void {
  const asked = askedBy(event);
  if (asked) asked.turn = ++turns;
}

/** The second of two clicks on one thing waits for the first one's answer, and may be overtaken meanwhile. */
export function begin(event: Event): void {
  const asked = askedBy(event);
  if (asked && newest && asked.turn < newest.turn) event.preventDefault();
  else newest = asked;
}

/** What was asked for last is shown, in whatever order the answers come; but what a form has changed always is. */
export function dropOvertaken(event: Event): void {
  const asked = askedBy(event);
  if (asked?.request.method === "POST" && (asked.response?.status ?? 400) < 400) newest = asked;
  else if (!isNewest(asked)) event.preventDefault();
}

/** A request that did not come through: let the browser try, which at least says what is wrong. */
export function tryPlainly(event: Event): void {
  const asked = askedBy(event);
  if (!isNewest(asked)) return;
  const source = asked?.sourceElement;
  if (source instanceof HTMLAnchorElement) location.assign(source.href);
  else if (source instanceof HTMLFormElement) source.submit();
  else if (asked?.request.headers["HX-History-Restore-Request"]) location.reload();
}
