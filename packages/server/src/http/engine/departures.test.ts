import { beforeEach, describe, expect, test } from "vitest";
import { Departures } from "./departures.ts";

/** More than enough answers to be looked at once. */
const MANY = 40;

let departures: Departures;
let departed: string[];

beforeEach(() => {
  departures = new Departures();
  departed = [];
});

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function answer(name: string): boolean {
  const mustWait = departures.countAnswer();
  if (mustWait) departures.add({ depart: () => departed.push(name) });
  return mustWait;
}

/** A turn with some answers; how many of them had to wait. */
async function turnOf(count: number): Promise<number> {
  let waitingCount = 0;
  for (let n = 0; n < count; n++) if (answer(`answer ${n}`)) waitingCount++;
  await turn();
  return waitingCount;
}

async function becomeCrowd(): Promise<void> {
  await turnOf(MANY);
  departed = [];
}

describe("answers", () => {
  test("that come one in a turn leave at once, however many turns there are", async () => {
    for (let n = 0; n < 3 * MANY; n++) expect(await turnOf(1)).toBe(0);
  });

  test("of a crowd wait for the end of their turn, and leave in their order", async () => {
    await becomeCrowd();

    expect(answer("first")).toBe(true);
    expect(answer("second")).toBe(true);
    expect(departed).toEqual([]);
    await turn();

    expect(departed).toEqual(["first", "second"]);
  });

  test("leave at once again when the crowd has gone", async () => {
    await becomeCrowd();

    expect(await turnOf(2)).toBe(2);
    expect(await turnOf(1)).toBe(0);
  });

  test("of a crowd go on waiting while each turn has three", async () => {
    await becomeCrowd();

    for (let n = 0; n < 5; n++) expect(await turnOf(3)).toBe(3);
  });
});

test("what is added leaves at the end of the turn, crowd or not", async () => {
  departures.add({ depart: () => departed.push("stream") });
  expect(departed).toEqual([]);

  await turn();

  expect(departed).toEqual(["stream"]);
});
