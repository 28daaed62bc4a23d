// Opens a report in a headless Chromium over the pipe of its DevTools protocol, drags over a chart, clicks the button that shows
// all of it again, prints to PDF, and says as JSON what it saw. Arguments: CHROMIUM REPORT.html OUTPUT-FOLDER.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [chromium, report, folder] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "report-"));
const browser = spawn(
  chromium,
  ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);

const answers = new Map();
const errors = [];
let loaded = () => {};
let number = 0;
let unread = "";

function hear(message) {
  if (message.id) {
    const { resolve, reject } = answers.get(message.id);
    answers.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  } else if (message.method === "Page.loadEventFired") loaded();
  else if (message.method === "Runtime.exceptionThrown") errors.push(message.params.exceptionDetails.text);
  else if (message.method === "Log.entryAdded") errors.push(message.params.entry.text);
  else if (message.method === "Runtime.consoleAPICalled") errors.push(JSON.stringify(message.params.args));
}

browser.stdio[4].on("data", (piece) => {
  const messages = (unread + piece).split("\0");
  unread = messages.pop();
  messages.forEach((text) => hear(JSON.parse(text)));
});

let sessionId;
function ask(method, params = {}) {
  number += 1;
  browser.stdio[3].write(JSON.stringify({ id: number, method, params, sessionId }) + "\0");
  return new Promise((resolve, reject) => answers.set(number, { resolve, reject }));
}

async function value(expression) {
  const { result, exceptionDetails } = await ask("Runtime.evaluate", { expression, returnByValue: true });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception.description}`);
  return result.value;
}

const mouse = (type, x, y) =>
  ask("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1 });
const middle = (query) =>
  value(`(() => { const box = document.querySelector(${JSON.stringify(query)}).getBoundingClientRect();
    return { left: box.left, width: box.width, x: box.left + box.width / 2, y: box.top + box.height / 2 }; })()`);
// Waits for the frame in which uPlot draws what was asked of it.
const scale = async () => {
  await ask("Runtime.evaluate", { expression: "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))", awaitPromise: true });
  return value("(({ min, max }) => ({ min, max }))(document.querySelector('.chart').plot.scales.x)");
};

try {
  const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
  ({ sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true }));
  await Promise.all(["Page.enable", "Runtime.enable", "Log.enable"].map((method) => ask(method)));
  await ask("Emulation.setDeviceMetricsOverride", { width: 1120, height: 1480, deviceScaleFactor: 1, mobile: false });
  const load = new Promise((resolve) => { loaded = resolve; });
  await ask("Page.navigate", { url: pathToFileURL(report).href });
  await load;
  const shot = await ask("Page.captureScreenshot", { format: "png" });
  writeFileSync(join(folder, "report.png"), Buffer.from(shot.data, "base64"));

  const charts = await value("document.querySelectorAll('.chart canvas').length");
  const whole = await scale();
  await value("document.querySelector('.chart').scrollIntoView({ block: 'center' })");
  const over = await middle(".chart .u-over");
  await mouse("mousePressed", over.left + over.width / 4, over.y);
  await mouse("mouseMoved", over.left + over.width / 3, over.y);
  await mouse("mouseMoved", over.left + over.width / 2, over.y);
  await mouse("mouseReleased", over.left + over.width / 2, over.y);
  const zoomed = await scale();
  const button = await middle(".chart button");
  await mouse("mousePressed", button.x, button.y);
  await mouse("mouseReleased", button.x, button.y);
  const again = await scale();
  const pdf = Buffer.from((await ask("Page.printToPDF", { printBackground: true })).data, "base64");
  writeFileSync(join(folder, "report.pdf"), pdf);
  const text = await value("document.body.innerText");
  console.log(JSON.stringify({ charts, whole, zoomed, again, pdf: pdf.subarray(0, 5).toString(), text, errors }));
} finally {
  browser.once("exit", () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  browser.kill();
}
