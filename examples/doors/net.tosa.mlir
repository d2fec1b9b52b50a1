func.func @main(%image: tensor<1x16x16x3xf32>, %kernel: tensor<8x3x3x3xf32>, %bias: tensor<8xf32>, %head: tensor<1x392x10xf32>) -> tensor<1x1x10xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %shape = tosa.const_shape {values = dense<[1, 1, 392]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %0 = tosa.conv2d %image, %kernel, %bias, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x16x16x3xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x14x14x8xf32>
  %1 = tosa.clamp %0 {max_val = 3.40282347E+38 : f32, min_val = 0.0 : f32} : (tensor<1x14x14x8xf32>) -> tensor<1x14x14x8xf32>
  %2 = tosa.max_pool2d %1 {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x14x14x8xf32>) -> tensor<1x7x7x8xf32>
  %3 = tosa.reshape %2, %shape : (tensor<1x7x7x8xf32>, !tosa.shape<3>) -> tensor<1x1x392xf32>
  %4 = tosa.matmul %3, %head, %zero, %zero : (tensor<1x1x392xf32>, tensor<1x392x10xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x10xf32>
  return %4 : tensor<1x1x10xf32>
}
