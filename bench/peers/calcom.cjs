// Answers slot lists with Cal.com's own engine functions, from the unpacked package @calcom/platform-libraries 0.0.360.
//
//     node calcom.cjs FOLDER [keep-formatters]
//
// FOLDER/package is the package, FOLDER/node_modules has dayjs. For a zone's offset dayjs asks toLocaleString, which
// makes a formatter for each call. Cal.com's repository patches dayjs to keep them (its pull request 13542); who
// installs the package gets dayjs as it is. With keep-formatters toLocaleString keeps them, to the same effect.
//
// Each line of stdin is one question in JSON (calcom.py writes it), each line of stdout its answer: the nanoseconds of
// every call, and the JSON bytes that the last one made. Their files run as they are; only, what slots.cjs keeps to
// itself is exported too while it is loaded, in memory.
"use strict";

const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const DIST = path.join(path.resolve(process.argv[2]), "package", "dist");
const SLOTS = path.join(DIST, "slots.cjs");
const RANGES = path.join(DIST, "date-ranges-Uz4z3i_9.cjs");
const ZONES = path.join(DIST, "index-UtrZFBcS.cjs");
const CONSTANTS = path.join(DIST, "i18n-HHdcQbuJ.cjs");
const PLUGINS = path.join(DIST, "index-Br7AzmuA.cjs"); // extends dayjs by what they use
const REACHED = new Set([SLOTS, RANGES, ZONES, PLUGINS]);
const MORE_EXPORTS = "\nObject.assign(exports, { getAggregatedAvailability, getSlots: getSlots$1 });\n";

// Stands for every module that the functions never reach: it lets the files set themselves up, and no result can
// come from it, as it has no value.
const stub = new Proxy(function () {}, {
  get(_, key) {
    if (key === Symbol.toPrimitive) throw new Error("a stubbed module was reached");
    return stub;
  },
  apply: () => stub,
  construct: () => stub,
});

// The one module of which they reach a few names only: as a whole it starts a database client. Without a Sentry key in
// the environment its withReporting gives back the function as it is.
const constants = Object.assign(Object.create(stub), {
  SchedulingType: { ROUND_ROBIN: "roundRobin", COLLECTIVE: "collective", MANAGED: "managed" },
  DEFAULT_GROUP_ID: "default_group_id",
  withReporting: (work) => work,
});

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const wanted = path.resolve(path.dirname(parent.filename), request);
  if (wanted === CONSTANTS) return constants;
  return REACHED.has(wanted) || /^dayjs(\/|$)/.test(request) ? load(request, parent, isMain) : stub;
};
const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {
  return compile.call(this, filename === SLOTS ? source + MORE_EXPORTS : source, filename, ...rest);
};

const { getAggregatedAvailability, getSlots } = require(SLOTS);
const { buildDateRanges, subtract } = require(RANGES);
const { stringToDayjs } = require(ZONES);
const dayjs = Module.createRequire(SLOTS)("dayjs");

if (process.argv[3] === "keep-formatters") {
  const formatters = new Map();
  const parts = ["year", "month", "day", "hour", "minute", "second"].map((part) => [part, "numeric"]);
  Date.prototype.toLocaleString = function (locale, options) {
    let formatter = formatters.get(options.timeZone);
    if (!formatter) {
      formatter = new Intl.DateTimeFormat(locale, { ...Object.fromEntries(parts), ...options });
      formatters.set(options.timeZone, formatter);
    }
    return formatter.format(this);
  };
}

/** Make what their service has at hand before it computes, the busy times as dayjs objects among it. */
function prepare(question) {
  const clock = (at) => new Date(`1970-01-01T${at}:00Z`);
  const [start, end] = question.window.map((at) => dayjs(at).tz(question.zone));
  return {
    ...question,
    availability: [{ days: question.days, startTime: clock(question.hours[0]), endTime: clock(question.hours[1]) }],
    inviteeDate: start,
    // Their service hands the window on as text, and reads it so.
    dateFrom: stringToDayjs(start.format()),
    dateTo: stringToDayjs(end.format()),
    busy: question.busy.map((spans) => spans.map(([from, to]) => ({ start: dayjs(from), end: dayjs(to) }))),
    day: new Intl.DateTimeFormat("fr-CA", {
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      timeZone: question.zone,
    }),
  };
}

/** Answer as their service does, from busy times to JSON. */
function answer(asked) {
  const users = asked.busy.map((busy) => {
    const { dateRanges } = buildDateRanges({
      availability: asked.availability,
      timeZone: asked.zone,
      dateFrom: asked.dateFrom,
      dateTo: asked.dateTo,
      travelSchedules: [],
      outOfOffice: {},
    });
    // Their service subtracts twice, from the ranges with and without days out of office; here both are the same.
    const free = subtract(dateRanges, busy);
    const user = { isFixed: asked.schedulingType === "collective" };
    return { user, timeZone: asked.zone, dateRanges: free, oooExcludedDateRanges: free };
  });
  const slots = getSlots({
    inviteeDate: asked.inviteeDate,
    eventLength: asked.duration,
    offsetStart: 0,
    dateRanges: getAggregatedAvailability(users, asked.schedulingType),
    minimumBookingNotice: asked.notice,
    frequency: asked.interval,
    datesOutOfOffice: undefined,
    showOptimizedSlots: false,
  });
  const days = {};
  for (const { time } of slots) {
    (days[asked.day.format(time.toDate())] ??= []).push({ time: time.toISOString() });
  }
  return Buffer.from(JSON.stringify({ slots: days }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { calls, ...question } = JSON.parse(line);
  const asked = prepare(question);
  const taken = [];
  let answered;
  for (let call = 0; call < calls; call++) {
    const cpu = process.cpuUsage();
    const began = process.hrtime.bigint();
    answered = answer(asked);
    const wall = Number(process.hrtime.bigint() - began);
    const { user, system } = process.cpuUsage(cpu);
    // On a busy machine the clock counts waiting, on an idle one the processor counts V8's helpers: the lesser of both.
    taken.push(Math.min(wall, (user + system) * 1000));
  }
  process.stdout.write(`${JSON.stringify({ taken, answered: answered.toString() })}\n`);
});
