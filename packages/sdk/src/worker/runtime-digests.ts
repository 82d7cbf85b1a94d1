/** The digests of the ONNX Runtime binaries that Edgeward was built with; the build compares them with the package's files. */

/** For each build, as the `integrity` of a request has it. */
export const runtimeDigests = Object.freeze({
  wasm: 'sha256-M5jBDQfSKb2Rs2RUjhMODlGo5XBLiMfAg+u+t4hC3uI=',
  jspi: 'sha256-pUx2+GsPDZVyOAzxxikqezkDcW/8vNaw5ccFC/Qw65M=',
  asyncify: 'sha256-OfnwiU1HiABIftn32+kmGEmNsyDPVcjj2Jrf+NzmWNo=',
})

/** Of the package. What is private to it is used of this version alone (ort-heap.ts). */
export const runtimeVersion = '1.30.0'
