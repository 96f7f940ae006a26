// What the booking pages do beyond links and forms: find the guest's zone, keep what was typed, move the focus,
// and speak with the page that frames them (contract 6.5). Everything works without this script, only less smoothly.
import { framed, listenToFrame, tellFrame } from "./frame";
import { askedBy, begin, dropOvertaken, isNewest, number, tryPlainly, type Asked } from "./requests";

declare const htmx: {
  ajax(method: string, url: string, options: Record<string, unknown>): Promise<void>;
};

const typed = new Map<string, string[]>();

function main(): HTMLElement {
  return document.getElementById("main") as HTMLElement;
}

/** Ask for the page again in the guest's own zone, unless a zone was chosen or the page is in it already. */
function findZone(): void {
  const asked = main().dataset["zone"];
  if (!asked) return;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!own || own === asked) return;
  const url = new URL(location.href);
  if (url.searchParams.get("timezone") === own) return; // asked already, and a zone we do not know
  url.searchParams.set("timezone", own);
  if (framed && !url.searchParams.has("embed")) url.searchParams.set("embed", "true");
  void htmx.ajax("GET", url.pathname + url.search, {
    target: "#main",
    select: "#main",
    swap: "outerMorph",
    replace: "true",
  });
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

function fields(): Field[] {
  return [...main().querySelectorAll<Field>("[data-keep]")];
}

function isTicked(field: Field): field is HTMLInputElement {
  return field instanceof HTMLInputElement && (field.type === "radio" || field.type === "checkbox");
}

/** What a guest typed survives a look at other times; it never leaves the browser's memory. */
function keepTyped(event: Event): void {
  const field = event.target as Field;
  if (field.dataset["keep"] === undefined) return;
  const group = fields().filter((one) => isTicked(one) && one.name === field.name && one.checked);
  typed.set(field.name, isTicked(field) ? group.map((one) => one.value) : [field.value]);
}

function giveBackTyped(): void {
  const all = fields();
  const chosen = new Set(all.filter((one) => isTicked(one) && one.checked).map((one) => one.name));
  for (const field of all) {
    const values = typed.get(field.name) ?? [];
    const value = values[0];
    if (isTicked(field)) {
      if (!chosen.has(field.name)) field.checked = values.includes(field.value);
    } else if (value && !field.value) {
      field.value = value;
      field.closest("details")?.setAttribute("open", "");
    }
  }
}

/** A select that applies itself; its button is for browsers without script. */
function applySelect(event: Event): void {
  const field = event.target;
  if (field instanceof HTMLSelectElement && field.dataset["apply"] !== undefined) field.form?.requestSubmit();
}

let step = "";
let email = "";

/** The page that follows a form may know no guest; the page around the frame is told his address all the same. */
function keepEmail(event: Event): void {
  const field = (event.target as HTMLFormElement).elements.namedItem("email");
  if (field instanceof HTMLInputElement) email = field.value.trim();
}

/** After a change of step, say where we are: focus goes to what went wrong, else to the new heading. */
function arrive(asked: Asked | undefined): void {
  const source = asked?.sourceElement;
  giveBackTyped();
  if (main().querySelector("[data-booked]")) typed.clear();
  const now = main().dataset["step"] ?? "";
  const wrong = main().querySelector<HTMLElement>("[role=alert], [aria-invalid=true]");
  if (wrong || now !== step) {
    const goal = wrong ?? main().querySelector<HTMLElement>("[data-heading]");
    goal?.focus({ preventScroll: true });
    if (wrong) wrong.scrollIntoView({ block: "center" });
    else window.scrollTo(0, 0);
  } else if (source?.closest(".days")) {
    main().querySelector(".times")?.scrollIntoView({ block: "nearest" });
  }
  step = now;
  if (now === "times" && isNewest(asked)) findZone(); // the search may have been overtaken by this
  const title = main().dataset["title"];
  if (title) document.title = title;
  tellFrame(main(), email);
}

document.documentElement.classList.add("js");
step = main().dataset["step"] ?? "";
document.addEventListener("input", keepTyped);
document.addEventListener("change", applySelect);
document.addEventListener("submit", keepEmail, true);
document.addEventListener("htmx:config:request", number);
document.addEventListener("htmx:before:request", begin);
document.addEventListener("htmx:before:swap", dropOvertaken);
document.addEventListener("htmx:after:swap", (event) => arrive(askedBy(event)));
document.addEventListener("htmx:error", tryPlainly);
listenToFrame();
tellFrame(main(), email);
findZone();
