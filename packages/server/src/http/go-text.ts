// Times and durations as Go prints them in statistics (client-api.md §12).

/** RFC 3339 in the local zone, `Z` for UTC; trailing zeros of the fraction are dropped. */
export function formatLocalTime(unixMs: number): string {
  const date = new Date(unixMs);
  const offsetMinutes = -date.getTimezoneOffset();
  // Shifted by the zone's offset, the UTC fields read as local time.
  const local = new Date(unixMs + offsetMinutes * 60_000).toISOString();
  const [whole = "", fraction = ""] = local.slice(0, -1).split(".");
  const digits = fraction.replace(/0+$/, "");
  return `${whole}${digits === "" ? "" : `.${digits}`}${zone(offsetMinutes)}`;
}

function zone(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? "-" : "+"}${pad2(Math.floor(minutes / 60))}:${pad2(minutes % 60)}`;
}

/** A duration such as `1h2m3.5s` or `250ms`; whole milliseconds, not negative. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  if (durationMs < 1_000) return `${durationMs}ms`;
  const seconds = (durationMs % 60_000) / 1_000;
  const minutes = Math.floor(durationMs / 60_000);
  if (minutes === 0) return `${seconds}s`;
  if (minutes < 60) return `${minutes}m${seconds}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}

function pad2(value: number): string {
  return String(value).padStart(2, "0");
}
