import { type Broken, type Promised, PROMISES, type Tally } from "./ledger.ts";
import { isShort, type Trend } from "./memory.ts";
import type { Recorded } from "./reference.ts";
import type { Counts, Lane } from "./types.ts";

/** What a soak found, as `--json` prints it. */
export interface SoakReport {
  version: 1;
  seed: number;
  /** Asked for, and taken. */
  minutes: number;
  took: number;
  engine: string;
  /** Of the program's environment. */
  deno: string;
  system: string;
  cores: number;
  /** When it began, ISO 8601. */
  time: string;
  /** True when nobody broke it off. */
  complete: boolean;
  training: {
    /** Rounds that came to their end with the losses and weights of the undisturbed run. */
    rounds: number;
    /** Steps that the undisturbed runs did, and milliseconds of a step and until the first one, by feed. */
    undisturbed: Record<string, { steps: number; stepTime: number; startup: number }>;
    /** Lives by what ended them; signals by the moment they were sent at; what was found in files. */
    deaths: Counts;
    moments: Counts;
    files: Counts;
  };
  others: { made: Counts; deaths: Counts; moments: Counts };
  http: { answers: number; broken: number };
  /** How full disks were had. */
  fullDisks: string;
  memory: Trend | null;
  promises: Record<Promised, Tally>;
  broken: Broken[];
  /** Folder with the evidence; empty when nothing was broken. */
  evidence: string;
  /** A row of the table in docs/reliability.md. */
  row: string;
}

const sum = (counts: Counts, ...names: string[]) =>
  Object.entries(counts).reduce(
    (all, [name, n]) => names.length === 0 || names.includes(name) ? all + n : all,
    0,
  );

const listed = (counts: Counts) =>
  Object.entries(counts).sort(([, a], [, b]) => b - a).map(([name, n]) => `${name} ${n}`).join(", ") ||
  "none";

function memoryText(trend: Trend): string {
  const { slopeMBPerHour, slopeError, residentMB, seconds, files, filesGrown } = trend;
  return `${isShort(trend) ? "too short to judge: " : ""}${residentMB.toFixed(0)} MB, ${
    slopeMBPerHour >= 0 ? "+" : "−"
  }${Math.abs(slopeMBPerHour).toFixed(1)} ± ${slopeError.toFixed(1)} MB/h over the last ${
    seconds.toFixed(0)
  } s; ${files} open files, ${
    filesGrown > 0 ? `+${filesGrown}` : filesGrown === 0 ? "none more" : `−${-filesGrown}`
  }`;
}

/** A row of the table in docs/reliability.md: when, where, how long, deaths, checks, memory, result. */
export function tableRow(report: Omit<SoakReport, "row">): string {
  const { training, others, memory, promises, broken } = report;
  const checks = Object.values(promises).reduce((all, { checked }) => all + checked, 0);
  const cells = [
    report.time.slice(0, 10),
    `${report.engine}, ${report.system}, ${report.cores} cores`,
    `${report.took.toFixed(0)} min${report.complete ? "" : " (stopped)"}, seed ${report.seed}`,
    `${sum(training.deaths, "SIGKILL")} of trainings (${training.files["half written"] ?? 0} in a write), ` +
    `${sum(others.deaths, "SIGKILL")} of others`,
    `${sum(training.deaths, "SIGTERM", "SIGINT") + sum(others.deaths, "SIGTERM", "SIGINT")} stops, ${
      sum(training.deaths, "small files", "full disk") + sum(others.deaths, "small files")
    } full disks, ${report.http.broken} broken answers`,
    `${training.rounds}`,
    memory && !isShort(memory)
      ? `${memory.slopeMBPerHour.toFixed(1)} ± ${memory.slopeError.toFixed(1)}`
      : "–",
    broken.length === 0 ? `${checks} checks, all held` : `${broken.length} of ${checks} checks broken`,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** How a soak went, beside what its lanes counted. */
export interface Course {
  began: Date;
  /** Minutes. */
  took: number;
  /** Rounds of trainings that came to their end with nothing broken. */
  rounds: number;
  /** The undisturbed trainings; fewer than there are feeds where the soak was broken off. */
  references: readonly Recorded[];
  /** The folder of the evidence. */
  evidence: string;
}

/** The report of a soak that is over. */
export function soakReport(training: Lane, other: Lane, course: Course): SoakReport {
  const { seed, minutes, engine, signal, server, disks, ledger } = training.soak;
  const { began, took, rounds, references, evidence } = course;
  const report: Omit<SoakReport, "row"> = {
    version: 1,
    seed,
    minutes,
    took,
    engine,
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    cores: navigator.hardwareConcurrency,
    time: began.toISOString(),
    complete: !signal.aborted,
    training: {
      rounds,
      undisturbed: Object.fromEntries(
        references.map(({ feed, done, stepTime, startup }) => [feed, { steps: done, stepTime, startup }]),
      ),
      deaths: training.counts.deaths ?? {},
      moments: training.counts.moments ?? {},
      files: training.counts.files ?? {},
    },
    others: {
      made: other.counts.made ?? {},
      deaths: other.counts.deaths ?? {},
      moments: other.counts.moments ?? {},
    },
    http: { answers: server.answers, broken: server.broken },
    fullDisks: disks
      ? "small file systems, and limits on the size of files"
      : "limits on the size of files; small file systems cannot be mounted here",
    memory: references[0]?.trend ?? null,
    promises: ledger.tally,
    broken: [...ledger.broken],
    evidence: ledger.broken.length > 0 ? evidence : "",
  };
  return { ...report, row: tableRow(report) };
}

/** The report as text for people. */
export function reportText(report: SoakReport): string {
  const { training, others, http, memory, promises, broken } = report, lines: string[] = [];
  const line = (label: string, text: string) => lines.push(`${label.padEnd(12)}${text}`);
  line(
    "soak",
    `${report.took.toFixed(1)} minutes, engine ${report.engine}, seed ${report.seed}${
      report.complete ? "" : ", broken off"
    }`,
  );
  for (const [feed, { steps, stepTime, startup }] of Object.entries(training.undisturbed)) {
    line(
      "undisturbed",
      `over ${feed}: ${steps} steps of ${stepTime.toFixed(0)} ms, first after ${
        (startup / 1000).toFixed(1)
      } s`,
    );
  }
  line("trainings", `${training.rounds} rounds to the end; lives ended by: ${listed(training.deaths)}`);
  line("", `signals sent at: ${listed(training.moments)}; found: ${listed(training.files)}`);
  line("others", `made: ${listed(others.made)}; disturbed by: ${listed(others.deaths)}`);
  line("http", `${http.answers} answers, ${http.broken} broken off`);
  line("full disks", report.fullDisks);
  line(
    "memory",
    memory ? memoryText(memory) : "not measured: the system does not tell, or the stretch was too short",
  );
  lines.push("", `${"checks".padStart(8)} ${"broken".padStart(8)}  promise`);
  for (const [name, text] of Object.entries(PROMISES)) {
    const { checked, broken } = promises[name as Promised];
    lines.push(
      `${String(checked).padStart(8)} ${String(broken).padStart(8)}  ${text}${
        checked === 0 ? " (not checked in this run)" : ""
      }`,
    );
  }
  if (broken.length > 0) {
    lines.push("", `${broken.length} broken; all that is needed to look closer is in ${report.evidence}`);
    for (const { where, what, evidence } of broken.slice(0, 20)) {
      lines.push(`  ${where}: ${what}`, `    ${evidence}`);
    }
  }
  lines.push("", "row for docs/reliability.md:", report.row);
  return lines.join("\n");
}
