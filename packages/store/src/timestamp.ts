// Instants as etcd prints them: RFC 3339 with up to nine fraction digits. Nanoseconds do not fit a
// JavaScript date, so they are 64-bit counts (bigint) everywhere in the store.

/** Nanoseconds since 1970-01-01T00:00:00Z. 0n is never a valid expiration; "never" is null. */
export type UnixNanos = bigint;

/** How etcd writes "never expires" in snapshots. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const NANOS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Prints an instant in UTC; trailing zeros of the fraction are dropped, and the dot with them. */
export function formatTimestamp(nanos: UnixNanos): string {
  let fraction = nanos % NANOS_PER_SECOND;
  if (fraction < 0n) fraction += NANOS_PER_SECOND;
  const seconds = Number((nanos - fraction) / NANOS_PER_SECOND);
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const time = seconds - days * SECONDS_PER_DAY;
  const clock = `${pad(Math.floor(time / 3600), 2)}:${pad(Math.floor(time / 60) % 60, 2)}:${pad(time % 60, 2)}`;
  const digits = fraction === 0n ? "" : `.${fraction.toString().padStart(9, "0").replace(/0+$/, "")}`;
  return `${formatDay(days)}T${clock}${digits}Z`;
}

/** Reads an instant with any zone offset; null if it is not one. */
export function parseTimestamp(text: string): UnixNanos | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? "0");
  const offset = (part(9) * 60 + part(10)) * 60 * (match[8] === "-" ? -1 : 1);
  const time = part(4) * 3600 + part(5) * 60 + part(6) - offset;
  const seconds = daysFromCivil(part(1), part(2), part(3)) * SECONDS_PER_DAY + time;
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt((match[7] ?? "").padEnd(9, "0"));
}

// Both conversions count in eras of 400 years (146,097 days) that start on 1 March of year 0, so that
// the leap day is the last day of a year.
const DAYS_PER_ERA = 146_097;
const EPOCH_DAY = 719_468;

function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_ERA + dayOfEra - EPOCH_DAY;
}

function formatDay(days: number): string {
  const shifted = days + EPOCH_DAY;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (DAYS_PER_ERA - 1));
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function pad(value: number, width: number): string {
  return value.toString().padStart(width, "0");
}
