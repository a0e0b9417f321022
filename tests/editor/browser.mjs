// Does in a browser what it is told: `node browser.mjs MODULES BROWSER`, where MODULES is the folder of playwright-core.
// Each line of its input is a JSON object {action, argument}; it answers each with a line {value} or {error}.

import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "_"))("playwright-core");
// A browser that is run by root, as in CI, refuses to start with its sandbox.
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
page.setDefaultTimeout(60_000); // As long as the tests themselves wait.

const actions = {
  open: (url) => page.goto(url),
  // One key after the other, as a person does: VS Code drops none, and asks for suggestions in between.
  type: (text) => page.keyboard.type(text, { delay: 20 }),
  press: (key) => page.keyboard.press(key),
  texts: (selector) => page.locator(selector).allTextContents(),
  // What decorations attach to the code is no text of the page; each is a string, or an address of a picture, in CSS.
  attached: (selector) =>
    page.locator(`${selector} span`).evaluateAll((spans) =>
      spans.flatMap((span) =>
        ["::before", "::after"]
          .map((place) => getComputedStyle(span, place).content)
          .filter((content) => !["none", "normal", '""'].includes(content)),
      ),
    ),
  click: (selector) => page.locator(selector).first().click(),
  double_click: (selector) => page.locator(selector).first().dblclick(),
  hover: (selector) => page.locator(selector).first().hover(),
  screenshot: (path) => page.screenshot({ path }),
  source: () => page.content(),
};

for await (const line of createInterface(process.stdin)) {
  const { action, argument } = JSON.parse(line);
  let answer;
  try {
    const value = await actions[action](argument);
    answer = { value: Array.isArray(value) || typeof value === "string" ? value : null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
