// The Date header, made once per second: building it costs about as much as parsing a request head
// (performance.md §3).

let cachedSecond = -1;
let cachedDate = "";

/** Now, as in a Date header. */
export function httpDate(): string {
  const nowMs = Date.now();
  const second = Math.floor(nowMs / 1_000);
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedDate = new Date(nowMs).toUTCString();
  }
  return cachedDate;
}
