//! libdeflate alone on the live bytes: how fast packing could be without any other work.
//!
//! It runs in a separate process, started by the benchmark, so that its memory is not measured with the others.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs, thread};

use libdeflater::{CompressionLvl, Compressor};
use vmtemplate::DiskImage;
use vmtemplate::disk::FreeSpaceOptions;

/// The chunk size of an archive made by vmtemplate.
const CHUNK: u64 = 1 << 20;
/// The number of chunks in memory at once if reading is not timed.
const BATCH: usize = 256;

/// The results of the process by name.
pub(crate) struct Numbers(String);

impl Numbers {
    /// Start this program again with `words`.
    pub(crate) fn of(words: &[&str]) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .arg("alone")
            .args(words)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(child.status.success(), "{words:?} failed");
        Self(String::from_utf8(child.stdout).unwrap())
    }

    pub(crate) fn get(&self, name: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in:\n{}", self.0)).parse().unwrap()
    }
}

/// The process that [`Numbers::of`] starts.
pub(crate) fn main(words: &[String]) {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["compress", image, level, threads] => {
            compress(image, level.parse().unwrap(), threads.parse().unwrap());
        }
        ["levels", image, threads, mib] => levels(image, threads.parse().unwrap(), mib.parse().unwrap()),
        _ => panic!("{words:?}"),
    }
}

fn compress(image: &str, level: i32, threads: usize) {
    let begun = Instant::now();
    let disk = live(image);
    println!("proof {}", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let chunks = chunks(&disk);
    println!("map {}", begun.elapsed().as_secs_f64());
    println!("live {}", chunks.iter().map(|&(_, length)| length as u64).sum::<u64>());

    let (wall, cpu) = timed(|| {
        on_threads(threads, chunks.len(), level, |number, compressor, buffer, out| {
            let (at, length) = chunks[number];
            disk.read_at(&mut buffer[..length], at).unwrap();
            deflate(compressor, &buffer[..length], out)
        });
    });
    println!("reading.wall {wall}\nreading.cpu {cpu}");

    let mut sums = [0.0; 4];
    let mut bytes = 0;
    for batch in chunks.chunks(BATCH) {
        let contents: Vec<_> = batch.iter().map(|&(at, length)| disk.read_vec(at, length).unwrap()).collect();
        let (wall, cpu) = timed(|| {
            bytes += on_threads(threads, contents.len(), level, |number, compressor, _, out| {
                deflate(compressor, &contents[number], out)
            });
        });
        let (crc_wall, crc_cpu) = timed(|| {
            on_threads(threads, contents.len(), level, |number, _, _, _| {
                crc32fast::hash(&contents[number]) as usize & 1
            });
        });
        sums.iter_mut().zip([wall, cpu, crc_wall, crc_cpu]).for_each(|(sum, now)| *sum += now);
    }
    let [wall, cpu, crc_wall, crc_cpu] = sums;
    println!("alone.wall {wall}\nalone.cpu {cpu}\ncrc.wall {crc_wall}\ncrc.cpu {crc_cpu}\nbytes {bytes}");
}

/// Sizes and times of all levels on about `mib` MiB of live bytes from all over the disk, and the size of `gzip -6`.
fn levels(image: &str, threads: usize, mib: usize) {
    let disk = live(image);
    let chunks = chunks(&disk);
    let step = (chunks.len() / mib).max(1);
    let sample: Vec<_> =
        chunks.iter().step_by(step).map(|&(at, length)| disk.read_vec(at, length).unwrap()).collect();
    println!("sample {}", sample.iter().map(Vec::len).sum::<usize>());
    for level in 1..=12 {
        let mut bytes = 0;
        let (wall, cpu) = timed(|| {
            bytes = on_threads(threads, sample.len(), level, |number, compressor, _, out| {
                deflate(compressor, &sample[number], out)
            });
        });
        println!("{level}.bytes {bytes}\n{level}.wall {wall}\n{level}.cpu {cpu}");
    }
    if super::rivals::is_installed("gzip") {
        let mut gzip = Command::new("gzip")
            .args(["-6", "-c"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut input, mut output) = (gzip.stdin.take().unwrap(), gzip.stdout.take().unwrap());
        let counted = thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()).unwrap());
        for chunk in &sample {
            input.write_all(chunk).unwrap();
        }
        drop(input);
        println!("gzip.bytes {}", counted.join().unwrap());
        assert!(gzip.wait().unwrap().success());
    }
}

fn live(image: &str) -> DiskImage {
    DiskImage::open(image).unwrap().without_free_space(&FreeSpaceOptions::default()).unwrap().0
}

/// The chunks of the grid that contain data, except those that are all zero.
fn chunks(disk: &DiskImage) -> Vec<(u64, usize)> {
    let mut chunks: Vec<(u64, usize)> = Vec::new();
    for extent in disk.extents().map(Result::unwrap).filter(|extent| extent.kind.must_be_read()) {
        for number in extent.offset / CHUNK..extent.end().div_ceil(CHUNK) {
            let at = number * CHUNK;
            if chunks.last().is_none_or(|&(last, _)| last < at) {
                chunks.push((at, CHUNK.min(disk.size() - at) as usize));
            }
        }
    }
    let mut buffer = Vec::new();
    chunks.retain(|&(at, length)| {
        buffer.resize(length, 0);
        disk.read_at(&mut buffer, at).unwrap();
        buffer.iter().any(|&byte| byte != 0)
    });
    chunks
}

fn deflate(compressor: &mut Compressor, content: &[u8], out: &mut Vec<u8>) -> usize {
    out.resize(compressor.deflate_compress_bound(content.len()), 0);
    compressor.deflate_compress(content, out).unwrap()
}

/// Call `work` for each of `count` numbers, and sum its results.
fn on_threads(
    threads: usize,
    count: usize,
    level: i32,
    work: impl Fn(usize, &mut Compressor, &mut [u8], &mut Vec<u8>) -> usize + Sync,
) -> usize {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
                let (mut buffer, mut out, mut done) = (vec![0; CHUNK as usize], Vec::new(), 0);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    done += work(number, &mut compressor, &mut buffer, &mut out);
                }
                *sum.lock().unwrap() += done;
            });
        }
    });
    sum.into_inner().unwrap()
}

/// Wall and CPU time of `work` in seconds.
fn timed(work: impl FnOnce()) -> (f64, f64) {
    let (begun, before) = (Instant::now(), cpu());
    work();
    (begun.elapsed().as_secs_f64(), cpu() - before)
}

/// User and system time of this process: the 14th and 15th field of its stat, in hundredths of a second (proc(5)).
fn cpu() -> f64 {
    let mut text = String::new();
    fs::File::open("/proc/self/stat").unwrap().read_to_string(&mut text).unwrap();
    let fields = text.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
