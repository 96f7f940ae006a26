// The messages between a framed booking page and the page around it (contract 6.5). They go to the framing page's
// origin, never to "*"; without a referrer and without ancestorOrigins nobody is told anything.

/** The widget up to its third version frames pages without `embed=true` and listens all the same. */
export const framed = window.parent !== window;

function framingOrigin(): string | null {
  const known = (location as Location & { ancestorOrigins?: DOMStringList }).ancestorOrigins?.[0];
  if (known && known !== "null") return known;
  try {
    const origin = new URL(document.referrer).origin;
    // After a navigation inside the frame the referrer is ourselves; what was learnt before still holds.
    return origin === location.origin ? remembered() : remember(origin);
  } catch {
    return remembered();
  }
}

function remember(origin: string): string {
  try {
    sessionStorage.setItem("kalends-frame", origin);
  } catch {
    // A browser that keeps no storage for framed pages still learns the origin from the referrer.
  }
  return origin;
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem("kalends-frame");
  } catch {
    return null;
  }
}

const origin = framed ? framingOrigin() : null;

function post(message: Record<string, unknown>): void {
  if (origin) window.parent.postMessage(message, origin);
}

/** Say that the page is there, follow its height, and obey the colour scheme the framing page asks for. */
export function listenToFrame(): void {
  if (!framed) return;
  post({ event: "meetergo:ready" });
  const sayHeight = (): void => {
    post({ event: "meetergo:page_height", payload: { height: Math.ceil(document.body.getBoundingClientRect().height) } });
  };
  new ResizeObserver(sayHeight).observe(document.body);
  window.addEventListener("message", (message: MessageEvent<unknown>) => {
    if (message.source !== window.parent || message.origin !== origin) return;
    const data = message.data as { event?: string; payload?: { colorScheme?: string } } | null;
    const scheme = data?.event === "meetergo:color-scheme" ? data.payload?.colorScheme : undefined;
    if (scheme === "light" || scheme === "dark") document.documentElement.dataset["scheme"] = scheme;
  });
  post({ event: "meetergo:content-ready" });
}

/**
 * Tell the framing page of a booking just made, once: the mark leaves the address with the telling.
 * email: what the form was sent with, for pages that know no guest.
 */
export function tellFrame(main: HTMLElement, email: string): void {
  const booked = main.querySelector<HTMLElement>("[data-booked]");
  const url = new URL(location.href);
  if (!booked || !url.searchParams.has("new")) return;
  url.searchParams.delete("new");
  history.replaceState(history.state, "", url);
  const { appointmentId, secret, attendeeEmail = email, bookingType, provisionalBookingId } = booked.dataset;
  const data = bookingType ? { attendeeEmail, bookingType, provisionalBookingId } : { appointmentId, secret, attendeeEmail };
  post({ event: "booking-successful", data });
  main.querySelector<HTMLAnchorElement>("[data-onward]")?.click();
}
