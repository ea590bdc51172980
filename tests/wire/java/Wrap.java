import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

/**
 * Wraps key material as a program of the JDK does: `java Wrap.java KIND PUBLIC_KEY`, KIND being AES_256, RSA_2048,
 * EC_P256, or AES_256_JDK_DEFAULT for OAEP as the JDK understands it without parameters. Prints the wrapped material
 * and, for an asymmetric key, the wrapped private key and its public key, one a line in Base64.
 */
class Wrap {
    public static void main(String[] arguments) throws Exception {
        byte[] der = Base64.getDecoder().decode(arguments[1]);
        PublicKey wrappingKey = KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
        byte[] material = new byte[32];
        new SecureRandom().nextBytes(material);
        Cipher oaep = Cipher.getInstance("RSA/ECB/OAEPWithSHA-256AndMGF1Padding");
        if (arguments[0].equals("AES_256_JDK_DEFAULT")) {
            oaep.init(Cipher.ENCRYPT_MODE, wrappingKey);
        } else {
            oaep.init(Cipher.ENCRYPT_MODE, wrappingKey, new OAEPParameterSpec(
                "SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT));
        }
        print(oaep.doFinal(material));
        if (arguments[0].startsWith("AES")) {
            return;
        }
        KeyPair pair = pair(arguments[0]);
        Cipher keyWrap = Cipher.getInstance("AES/KWP/NoPadding");
        keyWrap.init(Cipher.WRAP_MODE, new SecretKeySpec(material, "AES"));
        print(keyWrap.wrap(pair.getPrivate()));
        print(pair.getPublic().getEncoded());
    }

    private static KeyPair pair(String kind) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(kind.startsWith("RSA") ? "RSA" : "EC");
        if (kind.startsWith("RSA")) {
            generator.initialize(2048);
        } else {
            generator.initialize(new ECGenParameterSpec("secp256r1"));
        }
        return generator.generateKeyPair();
    }

    private static void print(byte[] value) {
        System.out.println(Base64.getEncoder().encodeToString(value));
    }
}
