/**
 * The whole code of a thread. It stands alone, so that no bundler has to find it, and knows programs only: it has its instance
 * of the kernels, over the memory that it is given or over one of its own, and
 *
 *     { module, memory | pages, pool, thread }               serves a pool for ever, or says that it is ready: null
 *     { size, put, bytes, pool, segments, count, get }       puts bytes into memory, runs, and gives bytes of it back
 *
 * `put` and `get` are lists of [address, bytes]. What goes wrong is said as a string.
 */
export const CODE = `let m,k,n=typeof require=="function"&&require("worker_threads").parentPort,p=n||self,
move=(places,b,put)=>{let i=0;for(const[at,n]of places){const x=new Uint8Array(m.buffer,at,n),y=new Uint8Array(b,i,n);put?x.set(y):y.set(x);i+=n}},
start=({module,memory,pages,pool,thread,lock})=>{m=memory||new WebAssembly.Memory({initial:1,maximum:pages})
k=new WebAssembly.Instance(module,{env:{memory:m}}).exports
if(pool)k.serve(pool,thread)
const r=()=>new Promise(()=>p.postMessage(null));lock?navigator.locks.request(lock,r).catch(r):r()},
run=({size,put,bytes,pool,segments,count,get})=>{const s=size-m.buffer.byteLength;if(s>0)m.grow(s/65536)
move(put,bytes,1)
const together=!!(pool&&k.runTogether(pool));together||k.run(segments,count)
bytes=new ArrayBuffer(get.reduce((a,[,n])=>a+n,0));move(get,bytes);p.postMessage({together,bytes},[bytes])},
hear=d=>{try{d.module?start(d):run(d)}catch(e){p.postMessage(String(e))}}
n?n.on("message",hear):onmessage=e=>hear(e.data)`;

/** What a thread begins with: where it serves a pool, or else waits to be asked. */
export interface Start {
  module: WebAssembly.Module;
  /** What it shares; else it has its own, of so many pages at the most. */
  memory?: WebAssembly.Memory;
  pages?: number;
  pool?: number;
  thread?: number;
}

/** Another thread, from here. */
export interface Thread {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Shall the process live on for it? At first it need not. */
  hold(on: boolean): void;
  stop(): void;
}

/** Who hears what a thread says, and why it is no more, if it does not stay. */
export interface Listener {
  said(message: unknown): void;
  ended(why: string): void;
}

let inlined: string | undefined;

function addressOfCode(): string {
  inlined ??= URL.createObjectURL(new Blob([CODE], { type: 'text/javascript' }));
  return inlined;
}

type NodeThreads = typeof import('node:worker_threads');

function startInNode(node: NodeThreads, start: Start, { said, ended }: Listener): Thread {
  const worker = new node.Worker(CODE, { eval: true, execArgv: [], stdin: false });
  worker.on('message', said);
  worker.on('error', (error) => ended(String(error)));
  worker.on('exit', () => ended('it was ended'));
  worker.postMessage(start);
  // Who listens keeps it referenced, so this comes last.
  worker.unref();
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    hold: (on) => (on ? worker.ref() : worker.unref()),
    stop: () => void worker.terminate(),
  };
}

/** A browser does not say that a worker has ended; a lock that it holds is free then. */
function watch(lock: string, ended: (why: string) => void): void {
  navigator.locks.request(lock, () => ended('it was ended')).catch(() => {});
}

/** Starts a thread, in a browser from the file at `url` if there is one. */
export function startThread(start: Start, { said, ended }: Listener, url: string | undefined): Thread {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  if (node) return startInNode(node, start, { said, ended });
  const worker = new Worker(url ?? addressOfCode());
  const lock = globalThis.navigator?.locks && `downhill ${crypto.getRandomValues(new Uint32Array(4))}`;
  worker.onmessage = ({ data }) => {
    if (data === null && lock) watch(lock, ended);
    said(data);
  };
  worker.onerror = ({ message }) => ended(message || 'its code could not be loaded');
  worker.postMessage({ ...start, lock });
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    hold() {},
    stop: () => worker.terminate(),
  };
}
